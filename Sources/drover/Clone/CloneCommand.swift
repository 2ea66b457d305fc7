// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `drover clone`: disks made of masters.
struct CloneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone",
        abstract: "Make clones of masters and look after them.",
        discussion: """
            A clone is a disk for one VM: it begins as its master and keeps what the VM writes. The master is never \
            written to, and cannot be removed while it has clones.
            """,
        subcommands: [
            CloneCreate.self, CloneList.self, CloneShow.self, CloneConfig.self, CloneReset.self, CloneRemove.self,
            CloneMap.self, CloneRepair.self, CloneRefresh.self, CloneProbe.self,
        ])
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `drover master`: images under a name and version.
struct MasterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "master",
        abstract: "Make, publish, fetch, adopt and look after masters.",
        discussion: """
            A master is written NAME@VERSION, such as debian@3; a bare NAME means its active version (`drover master \
            activate`), or the newest one where none is active and no rollout brought it. Versions are positive numbers that grow; --label says the \
            same in words for people.
            """,
        subcommands: [
            MasterCreate.self, MasterPublish.self, MasterFetch.self, MasterAdopt.self, MasterList.self, MasterShow.self,
            MasterVerify.self, MasterLint.self, MasterRemove.self, MasterInspect.self, MasterActive.self,
            MasterActivate.self, MasterRollback.self, MasterRetire.self,
            MasterPin.self, MasterUnpin.self, MasterPrune.self, MasterSign.self, MasterPoint.self, MasterRevoke.self,
        ])
}

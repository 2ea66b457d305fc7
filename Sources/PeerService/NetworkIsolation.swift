// SPDX-License-Identifier: Apache-2.0

import Glibc
import Subprocess

/// How a child is started in a network of its own, in which there is nobody else.
struct NetworkIsolation: Equatable {
    /// What comes before the child's own command; empty where the kernel does not let this process do it.
    let command: [String]

    /// Tries what this process may do. Root makes such a network, other users where they may have namespaces of users.
    static func ofThisHost() async -> NetworkIsolation {
        let flags = geteuid() == 0 ? ["--net"] : ["--user", "--map-current-user", "--net"]
        let trial = try? await Subprocess.run(
            .name("unshare"), arguments: Arguments(flags + ["--", "true"]), input: .none, output: .discarded,
            error: .discarded)
        return NetworkIsolation(command: trial?.terminationStatus.isSuccess == true ? ["unshare"] + flags + ["--"] : [])
    }
}

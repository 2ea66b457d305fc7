// SPDX-License-Identifier: Apache-2.0

extension FuzzTarget {
    /// A swarm and up to three connections, each of them bytes through a decoder into a `PeerSession`, under a script
    /// that says what peers send and in which order reports, orders, memory and disk come and go. The books of both
    /// machines balance after every step, and what is called verified is right on disk.
    static let swarm = FuzzTarget("swarm", maximumLength: 1024) { bytes in
        var script = Script(bytes)
        let host = try ScriptedHost(&script)
        while !script.isEmpty { try host.step(&script) }
    }
}

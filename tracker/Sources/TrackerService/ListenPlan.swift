// SPDX-License-Identifier: Apache-2.0

package import TrackerProtocol

/// Where a tracker listens and how, worked out from what the operator has said.
package struct ListenPlan: Equatable, Sendable {
    /// What the operator has said: `nil` and empty for what was left out.
    package struct Wish: Sendable {
        package var listen: [PeerAddress] = []
        package var plainAnnounces: [PeerAddress] = []
        package var datagrams: [PeerAddress]?
        package var isFleet = false
        package var isTLS = false

        package init() {}
    }

    /// A listener without TLS elsewhere than on this machine, for all that a fleet's tracker does.
    package struct Exposure: Error, Equatable, CustomStringConvertible {
        package let address: PeerAddress

        package var description: String {
            "A fleet's tracker without TLS listens on this machine alone, and not on \(address): add --tls. For announces "
                + "without TLS name \(address) with --plain-announce instead."
        }
    }

    package let listen: [PeerAddress]
    package let plainAnnounces: [PeerAddress]
    package let datagrams: [PeerAddress]

    /// - Parameter standard: where to listen when nothing was said.
    package init(_ wish: Wish, standard: PeerAddress) throws(Exposure) {
        listen = wish.listen.isEmpty ? [standard] : wish.listen
        plainAnnounces = wish.plainAnnounces
        if wish.isFleet, !wish.isTLS, let exposed = listen.first(where: { !$0.host.unmapped.isLoopback }) {
            throw Exposure(address: exposed)
        }
        // Datagrams have no TLS: they are taken where plain announces are.
        let isGuarded = wish.isFleet || wish.isTLS
        let plain = isGuarded ? listen.filter { $0.host.unmapped.isLoopback } + plainAnnounces : listen + plainAnnounces
        datagrams = wish.datagrams ?? plain
    }

    /// Whether something is answered without TLS to other machines.
    package static func isExposed(_ address: PeerAddress) -> Bool { !address.host.unmapped.isLoopback }
}

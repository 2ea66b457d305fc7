// SPDX-License-Identifier: Apache-2.0

import Glibc
package import TrackerProtocol

/// Why a tracker cannot start or go on.
package enum TrackerError: Error, Sendable {
    /// Another program listens there.
    case addressInUse(PeerAddress)
    /// No interface of this host has the address.
    case addressNotAvailable(PeerAddress)
    /// The system does not let this user listen there.
    case listenNotPermitted(PeerAddress)
    /// Listening failed for another reason.
    case cannotListen(PeerAddress, reason: String)
    /// Announces over UDP cannot be taken there.
    case noDatagrams(PeerAddress, reason: String)
    /// There is nothing that could be shown to clients.
    case noTLS(reason: String)
    /// The tracker stopped for a reason that is none of the above.
    case stopped(reason: String)
}

extension TrackerError {
    /// Why listening on an address failed, from the system's error number.
    init(listeningOn address: PeerAddress, failedWith number: Int32) {
        self =
            switch number {
            case EADDRINUSE: .addressInUse(address)
            case EADDRNOTAVAIL: .addressNotAvailable(address)
            case EACCES, EPERM: .listenNotPermitted(address)
            default: .cannotListen(address, reason: String(cString: strerror(number)))
            }
    }
}

extension TrackerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .addressInUse(let address):
            "Another program already listens on \(address); stop it or choose another port with --listen"
                + (address.isIPv6 ? "." : " (a listener on [::] takes the port for IPv4 too).")
        case .addressNotAvailable(let address):
            "No interface of this host has the address \(address.host); list them with `ip address` and choose one."
        case .listenNotPermitted(let address):
            "This user may not listen on \(address); choose a port above 1023 with --listen."
        case .cannotListen(let address, let reason):
            "Listening on \(address) failed: \(reason); choose another address with --listen."
        case .noDatagrams(let address, let reason):
            "Taking UDP announces on \(address) failed: \(reason); choose another address with --udp, or --udp off."
        case .noTLS(let reason):
            "TLS cannot be used: \(reason)."
        case .stopped(let reason):
            "The tracker stopped: \(reason); start it again."
        }
    }
}

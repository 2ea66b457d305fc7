// SPDX-License-Identifier: Apache-2.0

import TrackerProtocol

/// Which addresses an answer has room for: one over UDP carries those of its own family only (BEP 15).
package enum AddressFamilies: Sendable {
    case all, ipv4, ipv6

    func contains(_ address: PeerAddress) -> Bool {
        switch self {
        case .all: true
        case .ipv4: !address.isIPv6
        case .ipv6: address.isIPv6
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import SwiftASN1
import X509

/// A name under which clients reach a server.
package enum ServerName: Hashable, Sendable {
    case dns(String)
    /// A literal address: 4 or 16 bytes, network order.
    case address([UInt8])

    var general: GeneralName {
        switch self {
        case .dns(let name): .dnsName(name)
        case .address(let bytes): .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
        }
    }
}

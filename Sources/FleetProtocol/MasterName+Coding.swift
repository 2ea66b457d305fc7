// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Masters are written as `NAME@VERSION`.
extension KeyedDecodingContainer {
    func master(_ key: Key) throws -> MasterName {
        guard let name = MasterName(try text(key)) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(key.stringValue) is not of the form NAME@VERSION")
        }
        return name
    }

    /// The name of a line of masters.
    func line(_ key: Key) throws -> String {
        let name = try text(key)
        try check(MasterName.isValid(name: name), key, "is not the name of a line of masters")
        return name
    }

    /// The name of a host: lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit.
    func host(_ key: Key) throws -> String {
        let name = try text(key, limit: FleetLimits.hostNameBytes)
        try check(FleetHostName.isValid(name), key, "is not the name of a host")
        return name
    }
}

/// The rule for names of hosts.
package enum FleetHostName {
    package static func isValid(_ name: String) -> Bool {
        func isStart(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let bytes = name.utf8
        return (1...FleetLimits.hostNameBytes).contains(bytes.count) && bytes.first.map(isStart) == true
            && bytes.allSatisfy {
                isStart($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
    }
}

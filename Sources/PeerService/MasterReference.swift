// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// A master as people name it: `NAME@VERSION`, or a bare `NAME` for its newest version.
package struct MasterReference: Codable, Hashable, Sendable, CustomStringConvertible {
    package let name: String
    /// `nil` for the newest.
    package let version: Int?

    /// - Throws: ``HostFailure`` with `.usage` when the text is neither.
    package init(_ text: String) throws(HostFailure) {
        if let exact = MasterName(text) {
            name = exact.name
            version = exact.version
        } else if MasterName.isValid(name: text) {
            name = text
            version = nil
        } else {
            throw HostFailure(
                .usage,
                "'\(text)' does not name a master; write NAME or NAME@VERSION, such as debian@3 (letters, digits, "
                    + "'.', '_' and '-'; the version is a positive number)")
        }
    }

    package init(_ name: MasterName) {
        self.name = name.name
        version = name.version
    }

    /// Whether this master may be meant.
    package func fits(_ master: MasterName) -> Bool {
        master.name == name && version.map { $0 == master.version } ?? true
    }

    /// The name with its version, where the version is stated.
    package var exact: MasterName? { version.flatMap { MasterName(name: name, version: $0) } }

    package var description: String { version.map { "\(name)@\($0)" } ?? name }
}

// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a ``HostSelector``'s text.
package enum HostSelectorError: Error, Equatable, CustomStringConvertible {
    case empty
    case noEquals(String)
    case badKey(String)
    case badValue(String, key: String)
    case tooLong(Int)

    package var description: String {
        switch self {
        case .empty: "The selector is empty: write “all” for every host, or labels such as rack=r1."
        case .noEquals(let term): "“\(term)” is no selector: write KEY=VALUE, KEY!=VALUE or “all”."
        case .badKey(let key): "“\(key)” is no label: use lower-case letters, digits, “.”, “_” and “-”."
        case .badValue(let value, let key):
            "“\(value)” is no value for the label \(key): use lower-case letters, digits, “.”, “_” and “-”."
        case .tooLong(let limit): "The selector is too long: \(limit) terms, and values of a term, are the most."
        }
    }
}

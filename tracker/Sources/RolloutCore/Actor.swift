// SPDX-License-Identifier: Apache-2.0

/// Who made something happen.
package enum Actor: Hashable, Sendable, Codable, CustomStringConvertible {
    case `operator`(name: String)
    case host(name: HostName)
    /// The machine itself: a deadline, a threshold, or what follows from something else.
    case tracker

    package var description: String {
        switch self {
        case .operator(let name): name
        case .host(let name): "host \(name)"
        case .tracker: "the tracker"
        }
    }
}

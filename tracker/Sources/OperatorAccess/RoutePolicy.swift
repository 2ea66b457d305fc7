// SPDX-License-Identifier: Apache-2.0

/// Who may use a route of the tracker.
package struct RoutePolicy: Hashable, Sendable {
    /// Whom the door is for.
    package enum Door: Hashable, Sendable {
        /// Anybody, always. There are few of these.
        case open
        /// Peers, by the rules of the tracker's protocol: announces and scrapes.
        case tracker
        /// Operators who hold a permission.
        case operators(Permission)
        /// Those, and enrolled hosts.
        case hostsAndOperators(Permission)
        /// Enrolled hosts alone.
        case hosts
    }

    package let door: Door
    /// Whether an open tracker lets anybody in.
    package let isOpenOnOpenTracker: Bool

    package init(_ door: Door, isOpenOnOpenTracker: Bool = false) {
        self.door = door
        self.isOpenOnOpenTracker = isOpenOnOpenTracker
    }

    /// What becomes of a request.
    package enum Verdict: Equatable, Sendable {
        case allowed
        /// Nobody is known to ask: credentials are missing.
        case unauthenticated
        /// Who asks may not.
        case forbidden
    }

    /// - Parameter line: the line of masters that the route is about, where it is about one.
    package func verdict(on requester: Requester, line: String? = nil, access: TrackerAccess) -> Verdict {
        switch door {
        case .open, .tracker: return .allowed
        case .operators, .hostsAndOperators, .hosts: break
        }
        if isAllowed(requester, line) { return .allowed }
        // A token is for what it is for; an enrolled host may what anybody may.
        if case .operator = requester { return .forbidden }
        if isOpenOnOpenTracker, access == .open { return .allowed }
        return requester == .anonymous ? .unauthenticated : .forbidden
    }

    private func isAllowed(_ requester: Requester, _ line: String?) -> Bool {
        switch (door, requester) {
        case (.hosts, .host), (.hostsAndOperators, .host): true
        case (.operators(let permission), _), (.hostsAndOperators(let permission), _):
            line.map { requester.may(permission, on: $0) } ?? requester.may(permission)
        default: false
        }
    }
}

/// Whom a tracker is for.
package enum TrackerAccess: String, Sendable {
    /// Whoever can reach it may publish, and read the catalogue. The fleet's routes need credentials all the same.
    case open
    /// A fleet's own: all but a few routes need credentials.
    case fleet
}

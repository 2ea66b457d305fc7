// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The system's bound on open files, which every connection counts against.
package enum OpenFiles {
    /// Files kept free of connections: the database, listeners, logs.
    private static let reserve = 64

    /// Raises this process's soft limit to its hard one, so that a fleet fits without a change to the host.
    package static func raiseLimit() {
        guard var limit = current else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The number of connections to accept: `count`, or what the limit leaves.
    static func connections(atMost count: Int) -> Int {
        guard let limit = current else { return count }
        return max(16, min(count, Int(clamping: limit.rlim_cur) - reserve))
    }

    private static var current: rlimit? {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? limit : nil
    }
}

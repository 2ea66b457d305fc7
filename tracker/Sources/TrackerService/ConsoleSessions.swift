// SPDX-License-Identifier: Apache-2.0

import Metainfo
import OperatorAccess
import Synchronization

/// Who is signed in at the console. A session stands for a token, and lasts no longer than that: with each request the token is
/// looked at again. Sessions are in memory, so that a restart ends them.
package final class ConsoleSessions: Sendable {
    /// How long a session lasts, and how long without being used, in seconds.
    static let lifetime: Int64 = 12 * 3600
    static let idle: Int64 = 2 * 3600
    /// Sessions at one time; beyond, the one that was used longest ago ends.
    static let limit = 1024
    /// Sessions of one token at one time, and how often one may be begun with it in a minute.
    static let perToken = 8
    static let perMinute = 10

    private struct Session {
        let token: String
        let begun: Int64
        var used: Int64
    }

    /// By the digests of their secrets.
    private let sessions = Mutex<[SHA256Digest: Session]>([:])
    /// How often each token was shown in this minute.
    private let shown = Mutex<(minute: Int64, counts: [String: Int])>((0, [:]))

    package init() {}

    /// - Parameter token: the id of the token that was shown.
    /// - Returns: the session's secret.
    func begin(_ token: String, at now: Int64) -> String {
        let secret = TokenSecret.freshBytes().hexadecimal
        sessions.withLock { sessions in
            let own = sessions.filter { $0.value.token == token }
            if own.count >= Self.perToken, let oldest = own.min(by: { $0.value.used < $1.value.used })?.key {
                sessions[oldest] = nil
            }
            if sessions.count >= Self.limit, let oldest = sessions.min(by: { $0.value.used < $1.value.used })?.key {
                sessions[oldest] = nil
            }
            sessions[Self.digest(secret)] = Session(token: token, begun: now, used: now)
        }
        return secret
    }

    /// Whether another session may be begun with a token now, which counts.
    func mayBegin(_ token: String, at now: Int64) -> Bool {
        shown.withLock { shown in
            if shown.minute != now / 60 { shown = (now / 60, [:]) }
            guard shown.counts[token] != nil || shown.counts.count < Self.limit else { return false }
            shown.counts[token, default: 0] += 1
            return shown.counts[token, default: 0] <= Self.perMinute
        }
    }

    /// The id of the token that a session stands for; `nil` when there is no such session any more.
    /// - Parameter isUse: whether somebody does something, and not a page by itself.
    func token(of secret: String, at now: Int64, isUse: Bool) -> String? {
        sessions.withLock { sessions in
            let digest = Self.digest(secret)
            guard let session = sessions[digest] else { return nil }
            guard now < session.begun + Self.lifetime, now < session.used + Self.idle else {
                sessions[digest] = nil
                return nil
            }
            if isUse { sessions[digest]?.used = now }
            return session.token
        }
    }

    func end(_ secret: String) { sessions.withLock { $0[Self.digest(secret)] = nil } }

    private static func digest(_ secret: String) -> SHA256Digest { SHA256Digest(hashing: Array(secret.utf8)) }
}

// SPDX-License-Identifier: Apache-2.0

/// What became of requests that carry a key of their own, so that one that is sent again is not carried out again.
package protocol IdempotencyStorage: Sendable {
    /// Begins a request, unless it was begun before. Records that have expired at `time` count no more.
    /// - Parameters:
    ///   - key: what the requester calls the request.
    ///   - requester: who asks; each has keys of their own.
    ///   - digest: what tells this request from others.
    func beginRequest(
        key: String, by requester: String, digest: [UInt8], at time: Int64, expires: Int64
    ) async throws(StorageError) -> RequestBeginning
    /// Keeps the answer to a request that was begun.
    func finishRequest(key: String, by requester: String, answer: [UInt8]) async throws(StorageError)
    /// Forgets a request that was begun and changed nothing.
    func abandonRequest(key: String, by requester: String) async throws(StorageError)
}

/// Whether a request is a new one.
package enum RequestBeginning: Equatable, Sendable {
    /// It is: carry it out, then finish or abandon it.
    case begun
    /// It was begun before and has no answer: it is under way, or the tracker ended in the middle of it.
    case underWay
    /// It was carried out; that was the answer.
    case answered([UInt8])
    /// The key stands for another request.
    case otherRequest
}

// SPDX-License-Identifier: Apache-2.0

import Dispatch
import FileLayer
import Glibc
import Synchronization

/// Files that lie on another machine's share, asked about with a time limit: while its server is away a call may block
/// for ever, and nobody can call back the thread that waits in it.
///
/// A folder is asked one question at a time. One that has kept a question for longer than the limit counts as silent,
/// without being asked another one, until that question is answered: no more than one thread waits for it.
final class SharedFiles: Sendable {
    private struct Folder {
        let queue: DispatchQueue
        /// Questions on their way, the one that is being asked included.
        var waiting = 0
        /// When the question was put that has no answer yet.
        var askedAt: ContinuousClock.Instant?
    }

    private let files: any FileAccess
    private let patience: Duration
    private let folders = Mutex<[String: Folder]>([:])

    /// - Parameter patience: how long an answer may take.
    init(_ files: any FileAccess, patience: Duration) {
        self.files = files
        self.patience = patience
    }

    /// What the share's server, and not this machine's memory of it, knows of a file; `nil` when nothing is there.
    /// - Throws: ``FileError``, with the cause `.other(ETIMEDOUT)` when no answer comes within the limit.
    func status(_ path: String) throws(FileError) -> FileStatus? {
        let folder = path.parentDirectory
        guard let queue = queue(for: folder) else { throw silence(path) }
        let answer = Answer()
        queue.async { [self] in
            folders.withLock { $0[folder]?.askedAt = .now }
            answer.give(Result { () throws(FileError) in try look(at: path) })
            leave(folder)
        }
        guard let result = answer.wait(patience) else { throw silence(path) }
        return try result.get()
    }

    /// Opening makes the client ask its server whether the file was changed, and the space of a file system is never
    /// remembered: without these two the client may answer from memory what a server said that is long gone.
    private func look(at path: String) throws(FileError) -> FileStatus? {
        // What is no file might not come back from being opened.
        guard let seen = try files.status(path), !seen.isDirectory, seen.size > 0 else {
            return try files.status(path)
        }
        let file: any OpenFile
        do throws(FileError) { file = try files.open(path, .read) } catch {
            guard error.cause == .notFound else { throw error }
            return nil
        }
        _ = try files.space(at: path)
        return try withExtendedLifetime(file) { () throws(FileError) in try files.status(path) }
    }

    /// - Returns: `nil` for a folder that is silent.
    private func queue(for folder: String) -> DispatchQueue? {
        folders.withLock { folders in
            var entry = folders[folder] ?? Folder(queue: DispatchQueue(label: "drover.share"))
            if let askedAt = entry.askedAt, askedAt.duration(to: .now) >= patience { return nil }
            entry.waiting += 1
            folders[folder] = entry
            return entry.queue
        }
    }

    private func leave(_ folder: String) {
        folders.withLock { folders in
            guard var entry = folders[folder] else { return }
            entry.waiting -= 1
            entry.askedAt = nil
            folders[folder] = entry.waiting > 0 ? entry : nil
        }
    }

    private func silence(_ path: String) -> FileError {
        FileError(
            .other(ETIMEDOUT), operation: "inspect", path: path,
            reason: "no answer within \(patience.components.seconds) s")
    }
}

/// One answer, given on one thread and awaited on another.
private final class Answer: Sendable {
    typealias Outcome = Result<FileStatus?, FileError>
    private let outcome = Mutex<Outcome?>(nil)
    private let isGiven = DispatchSemaphore(value: 0)

    func give(_ outcome: Outcome) {
        self.outcome.withLock { $0 = outcome }
        isGiven.signal()
    }

    /// - Returns: `nil` when it does not come in time.
    func wait(_ patience: Duration) -> Outcome? {
        let (seconds, attoseconds) = patience.components
        let limit =
            DispatchTime.now() + .seconds(Int(clamping: seconds)) + .nanoseconds(Int(attoseconds / 1_000_000_000))
        guard isGiven.wait(timeout: limit) == .success else { return nil }
        return outcome.withLock { $0 }
    }
}

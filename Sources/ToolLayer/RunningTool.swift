// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A child process and the two connections it speaks through. It is in a process group of its own, so that what it started is
/// stopped with it, and so that the terminal's Ctrl-C reaches this process alone, which decides what to do.
final class RunningTool {
    enum Ending {
        case exited(Int32)
        case killed(Int32)
        case timedOut
        case stopped
        case tooMuchOutput
    }

    /// How long a caller's wish to stop may go unseen.
    private static let glance = Duration.milliseconds(200)

    private static let gracePeriod = Duration.seconds(5)

    private let call: ToolCall
    private var process: pid_t = 0
    /// Standard output and standard error; -1 when closed.
    private var outputs: [Int32] = [-1, -1]
    private(set) var output: [UInt8] = []
    private var said: [UInt8] = []

    /// What it said on standard error: trimmed, and what it said again and again once.
    var words: String {
        var lines: [Substring] = []
        for line in String(decoding: said, as: UTF8.self).split(separator: "\n") {
            let line = line.drop { $0 == " " }
            if !line.isEmpty, !lines.contains(line) { lines.append(line) }
        }
        return lines.joined(separator: "\n")
    }

    init(
        _ call: ToolCall, path: String, command: [String], environment: [String]
    ) throws(ToolError) {
        self.call = call
        var results: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]
        guard Self.connect(&results) else { throw Self.notStarted(call, errno) }
        guard Self.connect(&errors) else {
            let code = errno
            results.forEach { close($0) }
            throw Self.notStarted(call, code)
        }
        let code = Self.spawn(
            path, command, environment, input: call.input, output: results[1], error: errors[1], handed: call.handed,
            &process)
        close(results[1])
        close(errors[1])
        guard code == 0 else {
            close(results[0])
            close(errors[0])
            throw Self.notStarted(call, code)
        }
        outputs = [results[0], errors[0]]
    }

    deinit { for pipe in outputs where pipe >= 0 { close(pipe) } }

    /// Sockets and not pipes: they can be made so that a child which another thread starts at this moment does not get
    /// them, and with them our end of file.
    private static func connect(_ ends: inout [Int32]) -> Bool {
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0
    }

    private static func notStarted(_ call: ToolCall, _ code: Int32) -> ToolError {
        ToolError(.notStarted, call, words: String(cString: strerror(code)))
    }

    private static func spawn(
        _ path: String, _ command: [String], _ environment: [String], input: Int32?, output: Int32, error: Int32,
        handed: Int32?, _ process: inout pid_t
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        if let handed { posix_spawn_file_actions_adddup2(&actions, handed, 3) }
        // Not all of this process's files and sockets are closed by themselves; with one of them a program that outlives it
        // would keep a port taken, and whoever waits at the other end waiting.
        for descriptor in openDescriptors() where descriptor > (handed == nil ? 2 : 3) {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var words = command.map { strdup($0) } + [nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        return posix_spawn(&process, path, &actions, &attributes, &words, &variables)
    }

    private static func openDescriptors() -> [Int32] {
        guard let folder = opendir("/proc/self/fd") else { return [] }
        defer { closedir(folder) }
        var found: [Int32] = []
        while let next = readdir(folder) {
            let name = withUnsafeBytes(of: next.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let descriptor = Int32(name) { found.append(descriptor) }
        }
        return found
    }

    /// Reads until the program has ended; kills it when the time is up or it prints too much.
    func follow(
        until deadline: ContinuousClock.Instant, isStopped: () -> Bool, receive: ((ArraySlice<UInt8>) -> Void)?
    ) -> Ending {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while outputs.contains(where: { $0 >= 0 }) {
            // A closed descriptor is negative, which poll passes over.
            var waiting = outputs.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return stop(.timedOut) }
            guard !isStopped() else { return stop(.stopped) }
            let (seconds, attoseconds) = min(left, Self.glance).components
            let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1
            guard poll(&waiting, nfds_t(waiting.count), Int32(milliseconds)) > 0 else { continue }
            for (index, entry) in waiting.enumerated() where entry.fd >= 0 && entry.revents != 0 {
                let count = read(entry.fd, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    close(entry.fd)
                    outputs[index] = -1
                    continue
                }
                if index == 0, let receive {
                    receive(buffer[..<count])
                } else if index == 0 {
                    guard output.count + count <= call.outputLimit else { return stop(.tooMuchOutput) }
                    output += buffer[..<count]
                } else {
                    said += buffer[..<min(count, max(0, ToolError.longestWords - said.count))]
                }
            }
        }
        return wait(until: deadline, isStopped)
    }

    /// It closed its outputs, so its end is near; one that stays is killed in time.
    private func wait(until deadline: ContinuousClock.Instant, _ isStopped: () -> Bool) -> Ending {
        var pause: Int32 = 1
        while true {
            var status: Int32 = 0
            let found = waitpid(process, &status, WNOHANG)
            if found == process { return Self.ending(status) }
            if found < 0, errno != EINTR { return .exited(-1) }
            guard ContinuousClock.now < deadline else { return stop(.timedOut) }
            guard !isStopped() else { return stop(.stopped) }
            poll(nil, 0, pause)
            pause = min(pause * 2, 20)
        }
    }

    /// First asked to end, because LVM may have to wake a device that it has put to sleep; then killed. One that cannot
    /// even be killed hangs in the kernel, and is left there.
    private func stop(_ ending: Ending) -> Ending {
        for (signal, patience) in [(SIGTERM, Self.gracePeriod), (SIGKILL, Self.gracePeriod)] {
            kill(-process, signal)
            let deadline = ContinuousClock.now + patience
            while ContinuousClock.now < deadline {
                var status: Int32 = 0
                let found = waitpid(process, &status, WNOHANG)
                if found == process || (found < 0 && errno != EINTR) {
                    // What it started may not have heeded the first signal.
                    kill(-process, SIGKILL)
                    return ending
                }
                poll(nil, 0, 5)
            }
        }
        return ending
    }

    /// How wait(2) spells it: the low seven bits are the signal, the next byte the status.
    private static func ending(_ status: Int32) -> Ending {
        let signal = status & 0x7f
        return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal)
    }
}

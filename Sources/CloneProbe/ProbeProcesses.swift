// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The processes of a store's probes. Each carries in its environment whose it is, and so does whatever it starts; by that they
/// are found when nobody else remembers them, such as after the peer was killed.
package struct ProbeProcesses: Sendable {
    static let storeKey = "DROVER_PROBE_STORE"
    /// An environment that is longer is no probe's of ours.
    private static let longestEnvironment = 4 << 20
    private static let rounds = 500
    private static let pause: Int32 = 10

    /// The store's folder; absolute.
    private let store: String

    package init(store: String) { self.store = store }

    /// Ends all of them, at once, and waits until they are gone: they may have a disk open that is about to be removed.
    /// - Returns: whether there was any.
    @discardableResult
    package func end() -> Bool {
        var wasAny = false
        for _ in 0..<Self.rounds {
            let found = all
            guard !found.isEmpty else { break }
            wasAny = true
            for process in found { kill(process, SIGKILL) }
            poll(nil, 0, Self.pause)
        }
        return wasAny
    }

    /// Those there are, as far as this user may look.
    package var all: [Int32] {
        let entry = Array("\(Self.storeKey)=\(store)".utf8)
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [Int32] = []
        while let next = readdir(folder) {
            let name = withUnsafeBytes(of: next.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let process = Int32(name), process != getpid() else { continue }
            if environment(of: process).split(separator: 0).contains(where: { $0.elementsEqual(entry) }) {
                found.append(process)
            }
        }
        return found
    }

    /// Nothing for a process that is gone, or that this user may not look into.
    private func environment(of process: Int32) -> [UInt8] {
        let descriptor = open("/proc/\(process)/environ", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < Self.longestEnvironment {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }
}

// SPDX-License-Identifier: Apache-2.0

import ImageStore
import ToolLayer

/// Converts a source image of any format qemu-img reads to raw, in a child process with limits on memory and time, and
/// without a network where the kernel lets it be cut off.
struct SourceConversion {
    /// Far more than a sound image needs.
    private static let bounds = ToolBounds(
        addressSpace: 4 << 30, processorSeconds: 4 * 3600, hasNoNetwork: true)
    private static let patience = Duration.seconds(24 * 3600)

    /// The image whose headers were checked. The child gets this open file, so that it cannot be given another one.
    let source: SourceLock
    /// What people call it.
    let name: String
    let format: SourceFormat
    let target: String
    let tools: any ToolAccess
    /// Whether the store's disk is as full as it may get. A small image can be made to unfold into more than any disk holds.
    let isFull: @Sendable () -> Bool

    /// Blocks.
    /// - Parameters:
    ///   - isCancelled: asked several times a second.
    ///   - progress: told parts of a thousand.
    /// - Throws: ``HostFailure`` with qemu-img's own words; `CancellationError`.
    func run(isCancelled: () -> Bool, progress: @escaping (Int) -> Void) throws {
        let call = ToolCall(
            "qemu-img", ["convert", "-p", "-O", "raw", "-S", "4k", image, target], limit: Self.patience,
            input: source.descriptor, bounds: Self.bounds)
        var line: [UInt8] = []
        do throws(ToolError) {
            try tools.run(call, isStopped: { isCancelled() || isFull() }) { bytes in
                for byte in bytes {
                    // qemu-img rewrites its line: "    (12.34/100%)" and a carriage return.
                    if byte == 0x0d || byte == 0x0a {
                        line.removeAll(keepingCapacity: true)
                    } else if line.count < 64 {
                        line.append(byte)
                        if byte == 0x29, let part = Self.thousandths(line) { progress(part) }
                    }
                }
            }
        } catch {
            if error.cause == .stopped, !isCancelled() { throw noSpace }
            throw failure(error)
        }
    }

    private var noSpace: HostFailure {
        HostFailure(
            .noSpace,
            "the store's disk filled up while \(name) was converted; free some space or use a store on a larger disk")
    }

    private func failure(_ error: ToolError) -> any Error {
        switch error.cause {
        case .stopped: return CancellationError()
        case .missing: return HostFailure(.failed, "\(error)")
        default: break
        }
        let line = error.words.split(separator: "\n").first.map(String.init) ?? "no reason given"
        let words = (line.hasPrefix("qemu-img: ") ? String(line.dropFirst("qemu-img: ".count)) : line)
            .replacing("'\(image)'", with: name)
        if words.contains("No space left on device") {
            return noSpace
        }
        return HostFailure(.failed, "qemu-img could not convert \(name) from \(format.rawValue): \(words)")
    }

    /// The source as qemu-img is told it: the format, the driver below it and the open file, and nothing behind the image
    /// even if its header named something after all.
    private var image: String {
        // A VHD is as large as its footer says; qemu would compute a smaller size for some.
        let size = format == .vhd ? #""force_size_calc":"current_size","# : ""
        return #"json:{"driver":"\#(format.driver)","read-only":true,"backing":null,\#(size)"#
            + #""file":{"driver":"file","filename":"/proc/self/fd/0"}}"#
    }

    private static func thousandths(_ line: [UInt8]) -> Int? {
        guard let open = line.lastIndex(of: 0x28), let slash = line.lastIndex(of: 0x2f), open < slash else {
            return nil
        }
        return Double(String(decoding: line[(open + 1)..<slash], as: UTF8.self)).flatMap {
            Int(exactly: ($0 * 10).rounded())
        }
    }
}

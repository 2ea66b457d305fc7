// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Metainfo

/// Leaves hashed several at once beside one after another, on one core, in the same run.
struct Hashing: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hash", abstract: "Hashes leaves, and says how fast beside libcrypto.")

    @Option(help: "Rounds; the best of each kind counts.")
    var rounds = 10

    func validate() throws {
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds must be from 1 to 100") }
    }

    private static let length = 64 << 20

    func run() {
        // It fits no cache, and is touched before the clock runs.
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.length) { buffer, count in
            for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: index &* 31) }
            count = buffer.count
        }
        bytes.withUnsafeBytes { bytes in
            var (many, single) = (Double.infinity, Double.infinity)
            for _ in 0..<rounds {
                many = min(many, seconds { _ = MerkleTree.leaves(of: bytes) })
                single = min(
                    single,
                    seconds {
                        for start in stride(from: 0, to: bytes.count, by: PieceGeometry.blockLength) {
                            let block = bytes[start..<start + PieceGeometry.blockLength]
                            _ = SHA256Digest(hashing: UnsafeRawBufferPointer(rebasing: block))
                        }
                    })
            }
            print("leaves, several at once: \(Self.words(many)) GB/s")
            print("leaves, by libcrypto:    \(Self.words(single)) GB/s")
            print("ratio:                   \(Self.hundredths(single / many))")
        }
    }

    private func seconds(_ body: () -> Void) -> Double { ContinuousClock().measure(body) / .seconds(1) }

    private static func words(_ seconds: Double) -> String { hundredths(Double(length) / seconds / 1e9) }

    private static func hundredths(_ value: Double) -> String {
        let whole = Int((value * 100).rounded())
        return "\(whole / 100).\(whole % 100 < 10 ? "0" : "")\(whole % 100)"
    }
}

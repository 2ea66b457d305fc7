// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOCore
import PeerProtocol

/// Messages written and read again, through buffers as long as those of a socket.
struct Coding: ParsableCommand {
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case have, request, block
    }

    static let configuration = CommandConfiguration(
        commandName: "codec", abstract: "Writes messages and reads them again.")

    @OptionGroup var amount: SwarmLoad.Amount

    @Option(help: "What to write: \(Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kind = Kind.block

    /// How much is written before it is read.
    private static let readLength = 256 * 1024
    private static let blockLength = 16 * 1024

    func run() throws {
        let bytes = ByteBuffer(repeating: 7, count: Self.blockLength)
        var decoder = MessageDecoder(limits: MessageLimits(pieceCount: 4096))
        var buffer = ByteBuffer()
        var read = 0
        // Once, not in the loop: options are looked up anew each time they are read.
        let (count, kind) = (amount.count, kind)
        for number in 0..<count {
            let block = BlockRequest(
                piece: UInt32(number % 4096), begin: UInt32(number % 4 * Self.blockLength),
                length: UInt32(Self.blockLength))
            switch kind {
            case .have: MessageEncoder.encode(.have(block.piece), into: &buffer)
            case .request: MessageEncoder.encode(.request(block), into: &buffer)
            case .block:
                MessageEncoder.encodeBlockHeader(block, into: &buffer)
                buffer.writeImmutableBuffer(bytes)
            }
            guard buffer.readableBytes >= Self.readLength || number == count - 1 else { continue }
            while let event = try decoder.next(from: &buffer) {
                switch event {
                case .message, .blockEnd: read += 1
                case .block, .blockBytes: break
                }
            }
            buffer.clear()
        }
        print("read \(read) messages again")
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Code that reads what others wrote, called with bytes that may be any: it must not trap, and what it says must hold
/// together. The fuzzer makes such bytes up; the tests run those again that are kept.
package struct FuzzTarget: Sendable {
    /// As it is called on the command line, and its folder among the corpora.
    package let name: String
    /// The longest input that is worth making up, in bytes.
    package let maximumLength: Int
    private let body: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, maximumLength: Int = 4096, _ body: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.maximumLength = maximumLength
        self.body = body
    }

    /// Every target.
    package static let all: [FuzzTarget] = [
        .bencode, .metainfo, .handshake, .messages, .extensions, .hashes, .swarm, .announceRequest, .announceResponse,
        .scrape, .datagramTracker, .datagramRequest, .addresses, .trackerURL, .tracker, .pieceJournal, .storeRecords,
        .cloneJournal, .qcow2, .vhd, .vmdk, .vhdx, .vdi, .partitions, .fat, .seedImage, .signed,
    ]

    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

    /// Runs the target once.
    /// - Throws: what does not hold, as a Finding or as an error that should not have been.
    package func run(_ bytes: [UInt8]) throws { try body(bytes) }
}

/// Something that should hold for every input and does not for this one.
package struct Finding: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Throws a finding unless `condition` holds.
func expect(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws(Finding) {
    guard condition else { throw Finding(otherwise()) }
}

/// Throws a finding unless two values are equal.
func expectEqual<Value: Equatable>(_ one: Value, _ other: Value, _ what: String) throws(Finding) {
    guard one == other else { throw Finding("\(what): \(one) is not \(other)") }
}

/// Gives the value that has to be there.
func unwrap<Value>(_ value: Value?, _ what: String) throws(Finding) -> Value {
    guard let value else { throw Finding(what) }
    return value
}

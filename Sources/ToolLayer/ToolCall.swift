// SPDX-License-Identifier: Apache-2.0

/// One run of a program: which, with what, and for how long at most.
package struct ToolCall: Equatable, Sendable, CustomStringConvertible {
    /// A program's bare name, such as `dmsetup`, or its absolute path. A name is looked up in PATH and then in the system's
    /// folders, because the PATH of a service often lacks `/usr/sbin`.
    package var tool: String
    /// Handed over as they are: no shell reads them.
    package var arguments: [String]
    /// After this the program and what it started are killed.
    package var limit: Duration
    /// Bytes of standard output, 0 or more; a program that prints more is killed.
    package var outputLimit: Int
    /// An open file that becomes its standard input; it has to stay open until the run is over. Empty when `nil`.
    package var input: Int32?
    /// An open file that it finds as its descriptor 3; it has to stay open until the program has started.
    package var handed: Int32?
    /// Variables of its environment beside what every program gets.
    package var environment: [String: String]
    /// What it may take of the machine; `nil` for what it likes.
    package var bounds: ToolBounds?

    package init(
        _ tool: String, _ arguments: [String], limit: Duration = .seconds(60), outputLimit: Int = 16 << 20,
        input: Int32? = nil, handed: Int32? = nil, environment: [String: String] = [:], bounds: ToolBounds? = nil
    ) {
        self.tool = tool
        self.arguments = arguments
        self.limit = limit
        self.outputLimit = outputLimit
        self.input = input
        self.handed = handed
        self.environment = environment
        self.bounds = bounds
    }

    package var description: String { ([tool] + arguments).joined(separator: " ") }
}

/// What a program may take of the machine, when what it reads comes from strangers.
package struct ToolBounds: Equatable, Sendable {
    /// Bytes of address space.
    package var addressSpace: Int
    /// Seconds of processor.
    package var processorSeconds: Int
    /// Whether it is put into a network of its own, in which there is nobody, where the kernel lets this process do that.
    package var hasNoNetwork: Bool

    package init(addressSpace: Int, processorSeconds: Int, hasNoNetwork: Bool) {
        self.addressSpace = addressSpace
        self.processorSeconds = processorSeconds
        self.hasNoNetwork = hasNoNetwork
    }
}

/// What a program that ended well has printed.
package struct ToolOutput: Equatable, Sendable {
    package let bytes: [UInt8]
    /// What it said on standard error, without the empty lines.
    package let words: String

    package init(bytes: [UInt8], words: String = "") {
        self.bytes = bytes
        self.words = words
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

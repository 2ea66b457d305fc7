// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging

/// Writes log records to systemd's journal with a field for each thing that is known of them, so that `journalctl
/// DROVER_MASTER=debian@7` finds what happened to a master (systemd's native journal protocol, version of 2013).
///
/// A record that the journal does not take goes to standard error, which the journal reads too.
package struct JournalLogHandler: LogHandler {
    package static let standardSocket = "/run/systemd/journal/socket"
    /// The longest value of a field, in bytes; what is longer is cut.
    static let valueLimit = 8 << 10
    /// The most fields that come from one record's metadata.
    static let fieldLimit = 32

    package var logLevel = Logger.Level.info
    package var metadata: Logger.Metadata = [:]
    private let journal: DatagramAddress
    /// Open as long as the program runs.
    private let sender: Int32
    private let fallback: StreamLogHandler

    /// - Parameters:
    ///   - label: stands in the field `SYSLOG_IDENTIFIER`.
    ///   - socket: where the journal listens.
    /// - Returns: `nil` when there is nothing to write to.
    package init?(label: String, socket: String = standardSocket) {
        let sender = DatagramAddress.sender()
        guard sender >= 0, let journal = DatagramAddress(socket) else { return nil }
        self.journal = journal
        self.sender = sender
        self.label = label
        fallback = StreamLogHandler.standardError(label: label)
    }

    private let label: String

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let own = event.metadata ?? [:]
        let fields = metadata.merging(own) { $1 }
        var bytes: [UInt8] = []
        // People read the message alone: what belongs to it stands behind it, as on standard error.
        let rest = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        Self.add("MESSAGE", rest.isEmpty ? "\(event.message)" : "\(event.message) \(rest)", to: &bytes)
        Self.add("PRIORITY", Self.priority(event.level), to: &bytes)
        Self.add("SYSLOG_IDENTIFIER", label, to: &bytes)
        for (key, value) in fields.sorted(by: { $0.key < $1.key }).prefix(Self.fieldLimit) {
            if let name = Self.name(key) { Self.add(name, "\(value)", to: &bytes) }
        }
        if !journal.send(bytes, from: sender) {
            var fallback = fallback
            fallback.logLevel = logLevel
            fallback.metadata = metadata
            fallback.log(event: event)
        }
    }

    /// Whether standard error leads to the journal, as it does for a service.
    package static var isInUse: Bool {
        guard let stream = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
        let parts = stream.split(separator: ":")
        var status = stat()
        return parts.count == 2 && fstat(STDERR_FILENO, &status) == 0 && parts[0] == "\(status.st_dev)"
            && parts[1] == "\(status.st_ino)"
    }

    /// A field's name: capitals, digits and underscores, and none of those that the journal sets itself.
    static func name(_ key: String) -> String? {
        var name = "DROVER_"
        for scalar in key.unicodeScalars.prefix(50) {
            switch scalar {
            case "a"..."z", "0"..."9": name += String(scalar).uppercased()
            // A word that begins inside another one.
            case "A"..."Z": name += "_" + String(scalar)
            case "-", "_", ".": name += "_"
            default: return nil
            }
        }
        return name == "DROVER_" ? nil : name
    }

    private static func add(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        let value = Array(value.utf8.prefix(valueLimit))
        bytes += name.utf8
        // A value with a line feed goes with its length.
        if value.contains(0x0a) {
            bytes.append(0x0a)
            withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes += $0 }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value
        bytes.append(0x0a)
    }

    private static func priority(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "7"
        case .info: "6"
        case .notice: "5"
        case .warning: "4"
        case .error: "3"
        case .critical: "2"
        }
    }
}

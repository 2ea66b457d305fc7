// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Supervision
import Testing

@Suite struct JournalLogHandlerTests {
    private func logger(_ journal: Listener) -> Logger {
        Logger(label: "drover") { label in
            if let handler = JournalLogHandler(label: label, socket: journal.name) { return handler }
            return StreamLogHandler.standardError(label: label)
        }
    }

    @Test func `a record has a field for each thing that is known`() throws {
        let journal = try Listener("@drover-\(UUID().uuidString)")
        var log = logger(journal)
        log[metadataKey: "host"] = "web-17"
        log.warning("a peer sent wrong data", metadata: ["master": "debian@7", "infoHash": "5f2a"])
        #expect(
            journal.heard() == """
                MESSAGE=a peer sent wrong data host=web-17 infoHash=5f2a master=debian@7
                PRIORITY=4
                SYSLOG_IDENTIFIER=drover
                DROVER_HOST=web-17
                DROVER_INFO_HASH=5f2a
                DROVER_MASTER=debian@7

                """)
        log.debug("too little to be kept")
        #expect(journal.heard() == nil)
    }

    @Test func `a value of several lines goes with its length, and no value makes another field`() throws {
        let journal = try Listener("@drover-\(UUID().uuidString)")
        logger(journal).error("it failed", metadata: ["log": "one\nPRIORITY=0", "bad key=": "x", "_pid": "1"])
        let record = try #require(journal.heard())
        let length = String(decoding: [14, 0, 0, 0, 0, 0, 0, 0], as: UTF8.self)
        #expect(record.contains("DROVER_LOG\n\(length)one\nPRIORITY=0\n"), "\(record)")
        #expect(record.contains("PRIORITY=3\n") && record.contains("DROVER__PID=1\n") && !record.contains("DROVER_BAD"))
    }

    @Test func `without a journal there is no handler, and standard error is told`() {
        #expect(JournalLogHandler(label: "x", socket: "relative") == nil)
        #expect(!JournalLogHandler.isInUse || ServiceLog.handler(label: "x") is JournalLogHandler)
    }
}

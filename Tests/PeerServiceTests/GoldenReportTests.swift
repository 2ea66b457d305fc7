// SPDX-License-Identifier: Apache-2.0

import Foundation
import PeerService
import Testing

/// What programs are promised of `--format json`: each document of Golden/ is read and written again as it is. A field that
/// was renamed, or whose type has changed, is seen by that; so is one that the document does not have yet.
@Suite struct GoldenReportTests {
    private func check<Report: Codable>(_ name: String, _ type: Report.Type) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        let written = try Data(contentsOf: folder.appending(path: "\(name).json"))
        let report = try JSONDecoder().decode(type, from: written)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let again = String(decoding: try encoder.encode(report), as: UTF8.self)
        #expect(again + "\n" == String(decoding: written, as: UTF8.self), "\(name)")
        #expect(missing(report, at: name).isEmpty, "fields that the document lacks")
    }

    /// Fields that have no value, so that the document cannot show them.
    private func missing(_ value: Any, at path: String) -> [String] {
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional {
            return mirror.children.first.map { missing($0.value, at: path) } ?? [path]
        }
        guard [.struct, .collection, .dictionary, .tuple].contains(mirror.displayStyle) else { return [] }
        if mirror.displayStyle == .collection || mirror.displayStyle == .dictionary {
            return mirror.children.first.map { missing($0.value, at: path) } ?? []
        }
        return mirror.children.flatMap { missing($0.value, at: "\(path).\($0.label ?? "")") }
    }

    @Test func `the documents of a host stay what they are`() throws {
        try check("status", StatusReport.self)
        try check("why", WhyReport.self)
        try check("swarms", SwarmsReport.self)
        try check("doctor", DoctorReport.self)
        try check("orders", OrdersReport.self)
        try check("enrolment", EnrolmentReport.self)
    }
}

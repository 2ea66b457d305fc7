// SPDX-License-Identifier: Apache-2.0

import CloneBench
import CloneLayer
import Testing

@Suite struct RecommendationTests {
    /// Measurements with the same speed in every case, one value for each repetition.
    private static func measured(
        _ speeds: [Double], path: BenchPath = .export, shares: Bool? = nil, made: Double? = nil
    ) -> Measurements {
        var result = Measurements()
        result.path = path
        result.sharesBlocks = shares
        if let made { result.creation = [made, made * 1.1, made * 0.9] }
        for ioCase in IOCase.allCases { result.values[ioCase] = speeds }
        return result
    }

    private static func report(
        _ subjects: [(BenchSubject, Measurements)], repetitions: Int = 3, load: Double = 0
    ) -> BenchReport {
        let all = Dictionary(uniqueKeysWithValues: subjects)
        return BenchReport(
            date: "2026-01-02 03:04 UTC",
            machine: MachineDescription(
                processor: "X & <Y>", processors: 2, memory: 1 << 30, kernel: "6.1", isVirtual: true,
                fileSystem: "xfs", device: "/dev/loop0", fio: "fio-3.33", storageDaemon: "qemu 7.2"),
            settings: .init(size: 1 << 30, seconds: 5, repetitions: repetitions, clones: 100), load: load,
            subjects: subjects.map { subject, own in
                let reference = own.path.map(\.reference)
                return BenchReport.Subject(
                    subject, own, reference: reference == subject ? nil : reference.flatMap { all[$0] })
            }, absent: [.init(name: "lvm", reason: "there is no \"group\"", fix: "make one")])
    }

    private static let raw = (BenchSubject.rawFile, measured([100, 200, 100]))
    private static let bare = (BenchSubject.bareFile, measured([1000, 1000, 1000], path: .file))

    @Test func `who is ahead in every repetition is recommended`() {
        let report = Self.report([
            Self.raw, Self.bare, (.clone(.qcow2), Self.measured([50, 100, 50], shares: true, made: 0.001)),
            (.clone(.reflink), Self.measured([90, 190, 95], shares: true, made: 0.004)),
        ])
        #expect(report.recommendation.backend == "reflink")
        #expect(report.recommendation.sentences.first == "Use reflink on this host, as far as speed decides.")
        #expect(report.recommendation.sentences.joined().contains("qcow2 0.50 (0.50 to 0.50)"))
    }

    @Test func `who is not told apart is taken by how fast it is made`() {
        let subjects = [
            Self.raw, Self.bare, (.clone(.qcow2), Self.measured([80, 180, 90], shares: true, made: 0.001)),
            (.clone(.reflink), Self.measured([90, 150, 95], shares: true, made: 0.0004)),
        ]
        let report = Self.report(subjects)
        #expect(report.recommendation.backend == "reflink")
        #expect(report.recommendation.sentences.joined().contains("are not told apart"))
    }

    @Test func `one repetition tells nobody apart`() {
        let report = Self.report(
            [
                (BenchSubject.rawFile, Self.measured([100])),
                (BenchSubject.bareFile, Self.measured([100], path: .file)),
                (.clone(.qcow2), Self.measured([20], shares: true, made: 0.001)),
                (.clone(.reflink), Self.measured([90], shares: true, made: 0.002)),
            ], repetitions: 1)
        #expect(report.recommendation.backend == "qcow2")
        #expect(report.recommendation.sentences.joined().contains("One repetition shows no spread"))
    }

    @Test func `a copy is compared and not recommended, and what was not read is said`() {
        let report = Self.report([
            Self.raw, Self.bare, (.clone(.qcow2), Self.measured([50, 100, 50], shares: true, made: 0.001)),
            (.clone(.copy), Self.measured([100, 200, 100], shares: false, made: 1)),
            (
                .clone(.vhd),
                {
                    var vhd = Measurements()
                    vhd.creation = [0.01]
                    vhd.sharesBlocks = true
                    return vhd
                }()
            ),
        ])
        #expect(report.recommendation.backend == "qcow2")
        let text = report.recommendation.sentences.joined()
        #expect(text.contains("copy, which shares nothing, keeps 1.00 (1.00 to 1.00) and is ahead of qcow2"))
        #expect(text.contains("vhd was made, but reading and writing is not measurable on this host"))
        #expect(text.contains("Through the export a raw file keeps 0.10"))
    }

    @Test func `devices are compared with the file that is read without an export`() {
        let report = Self.report([
            Self.raw, Self.bare,
            (.clone(.reflink), Self.measured([500, 600, 700], path: .device, shares: true, made: 0.1)),
        ])
        #expect(report.subjects.last?.overall.map { FigureText.ratio($0) } == "0.60 (0.50 to 0.70)")
    }

    @Test func `without a backend nothing is recommended, and a busy host is named`() {
        let report = Self.report([Self.raw, Self.bare], load: 1.5)
        #expect(report.recommendation.backend == nil)
        #expect(report.recommendation.sentences.last?.contains("load 1.5 on 2 processors") == true)
    }

    @Test func `the page stands alone, and what it names is escaped`() {
        let report = Self.report([
            Self.raw, Self.bare, (.partition("/dev/<x>"), Self.measured([1, 2, 3], path: .device)),
            (.clone(.qcow2), Self.measured([50, 100, 50], shares: true, made: 0.001)),
        ])
        let html = BenchPage(report).html
        for word in ["<script", "http:", "https:", "url(", "@import", "<img", "<link", "/dev/<x>", "X & <Y>"] {
            #expect(!html.contains(word), "\(word)")
        }
        #expect(html.ranges(of: "<svg").count == 5)
        #expect(html.contains("/dev/&lt;x&gt;"))
        #expect(html.contains("prefers-color-scheme: dark"))
        #expect(!html.contains("nan") && !html.contains("inf"))
    }
}

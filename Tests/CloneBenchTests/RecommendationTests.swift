// SPDX-License-Identifier: Apache-2.0

import CloneBench
import CloneLayer
import Testing

@Suite struct RecommendationTests {
    /// Measurements with the same speed in every case, one value for each repetition.
    /// - Parameter made: the median time of making a clone in each repetition.
    private static func measured(
        _ speeds: [Double], shares: Bool? = nil, made: [Double] = []
    ) -> Measurements {
        var result = Measurements()
        result.sharesBlocks = shares
        result.creation = made.map { [$0, $0 * 100, $0 / 100] }
        for ioCase in IOCase.allCases { result.values[ioCase] = speeds }
        return result
    }

    private static func report(
        _ subjects: [(BenchSubject, Measurements)], repetitions: Int = 3, load: Double = 0,
        guest: GuestDescription? = nil
    ) -> BenchReport {
        BenchReport(
            date: "2026-01-02 03:04 UTC",
            machine: MachineDescription(
                processor: "X & <Y>", processors: 2, memory: 1 << 30, kernel: "6.1", isVirtual: true,
                fileSystem: "xfs", device: "/dev/loop0", fio: "fio-3.33", qemu: "qemu 7.2"),
            guest: guest,
            settings: .init(size: 1 << 30, seconds: 5, repetitions: repetitions, clones: 100, seed: 1),
            loads: [.init(before: load, after: 3), .init(before: 3, after: 3)],
            subjects: subjects.map { subject, own in
                BenchReport.Subject(subject, own, reference: subject == .rawFile ? nil : subjects[0].1)
            }, absent: [.init(name: "lvm", reason: "there is no \"group\"", fix: "make one")])
    }

    private static let raw = (BenchSubject.rawFile, measured([100, 200, 100]))
    private static let bare = (BenchSubject.bareFile, measured([1000, 1000, 1000]))
    private static let made = [0.001, 0.0011, 0.0012]
    private static let madeSlowly = [0.004, 0.0041, 0.0042]

    @Test func `who is ahead in every repetition is recommended`() {
        let report = Self.report([
            Self.raw, Self.bare, (.clone(.qcow2), Self.measured([50, 100, 50], shares: true, made: Self.made)),
            (.clone(.reflink), Self.measured([90, 190, 95], shares: true, made: Self.madeSlowly)),
        ])
        #expect(report.recommendation.backends == ["reflink"])
        #expect(report.recommendation.sentences.first == "Use reflink on this host, as far as speed decides.")
        #expect(report.recommendation.sentences.joined().contains("qcow2 0.50 (0.50 to 0.50)"))
    }

    @Test func `who is not told apart is taken by how fast it is made, when every repetition agrees on that`() {
        func report(_ made: [Double]) -> Recommendation {
            Self.report([
                Self.raw, Self.bare, (.clone(.qcow2), Self.measured([80, 180, 90], shares: true, made: made)),
                (.clone(.reflink), Self.measured([90, 150, 95], shares: true, made: Self.madeSlowly)),
            ]).recommendation
        }
        #expect(report(Self.made).backends == ["qcow2"])
        let text = report(Self.made).sentences.joined()
        #expect(text.contains("are not told apart, but qcow2 is made faster in every repetition"))
        #expect(text.contains("qcow2 1.10 ms (1.00 ms to 1.20 ms)"))

        let level = report([0.001, 0.001, 0.0041])
        #expect(Set(level.backends) == ["qcow2", "reflink"])
        #expect(level.sentences.joined().contains("are not told apart, nor in how fast they are made"))
        #expect(level.sentences.first == "Use qcow2 or reflink on this host, as far as speed decides.")
    }

    @Test func `one repetition tells nobody apart`() {
        let report = Self.report(
            [
                (BenchSubject.rawFile, Self.measured([100])),
                (.clone(.qcow2), Self.measured([20], shares: true, made: [0.001])),
                (.clone(.reflink), Self.measured([90], shares: true, made: [0.002])),
            ], repetitions: 1)
        #expect(Set(report.recommendation.backends) == ["qcow2", "reflink"])
        #expect(report.recommendation.sentences.joined().contains("One repetition shows no spread"))
    }

    @Test func `three are ranked, and the slowest one is left out`() {
        let report = Self.report([
            Self.raw, (.clone(.qcow2), Self.measured([80, 160, 80], shares: true, made: Self.made)),
            (.clone(.reflink), Self.measured([81, 158, 80], shares: true, made: Self.made)),
            (.clone(.dmSnapshot), Self.measured([10, 20, 10], shares: true, made: Self.made)),
        ])
        #expect(Set(report.recommendation.backends) == ["qcow2", "reflink"])
    }

    @Test func `a copy is compared and not recommended, and what was not read is said`() {
        var vhd = Measurements()
        vhd.creation = [[0.01]]
        vhd.sharesBlocks = true
        let report = Self.report([
            Self.raw, Self.bare, (.clone(.qcow2), Self.measured([50, 100, 50], shares: true, made: Self.made)),
            (.clone(.copy), Self.measured([100, 200, 100], shares: false, made: [1, 1, 1])), (.clone(.vhd), vhd),
        ])
        #expect(report.recommendation.backends == ["qcow2"])
        let text = report.recommendation.sentences.joined()
        #expect(text.contains("copy, which shares nothing, keeps 1.00 (1.00 to 1.00) and is ahead of qcow2"))
        #expect(text.contains("vhd was made, but reading and writing is not measurable on this host"))
        #expect(text.contains("Without the export the raw file has 10.00 (5.00 to 10.00) of its speed"))
    }

    @Test func `files and devices are ranked on one scale, by the raw file`() {
        let report = Self.report([
            Self.raw, (.clone(.lvmThin), Self.measured([50, 120, 60], shares: true, made: [0.1])),
            (.clone(.reflink), Self.measured([90, 190, 90], shares: true, made: [0.1])),
        ])
        #expect(report.subjects[1].overall.map { FigureText.ratio($0) } == "0.60 (0.50 to 0.60)")
        #expect(report.recommendation.backends == ["reflink"])
    }

    @Test func `without a backend nothing is recommended, and a busy host is named`() {
        let report = Self.report([Self.raw, Self.bare], load: 1.5)
        #expect(report.recommendation.backends == [])
        #expect(report.recommendation.sentences.last?.contains("load 1.5 on 2 processors before it began") == true)
    }

    @Test func `emulated guests are named with the reason`() {
        let guest = GuestDescription(kernel: "6.1", acceleration: "tcg", obstacle: "no such device")
        let report = Self.report([Self.raw], guest: guest)
        #expect(report.recommendation.sentences.joined().contains("KVM does not work here"))
        #expect(BenchPage(report).html.contains("guests with Linux 6.1 under TCG"))
    }

    @Test func `the page stands alone, and what it names is escaped`() {
        let report = Self.report([
            Self.raw, Self.bare, (.partition("/dev/<x>"), Self.measured([1, 2, 3])),
            (.clone(.qcow2), Self.measured([50, 100, 50], shares: true, made: Self.made)),
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

// SPDX-License-Identifier: Apache-2.0

/// What a guest runs: fio, once for each job, and on the results' port what came of it. And how that is read.
package struct GuestScript: Equatable, Sendable {
    package let jobs: [FioJob]

    package init(_ jobs: [FioJob]) { self.jobs = jobs }

    /// The guest's disk to measure.
    static let disk = "/dev/vda"
    private static let begin = "drover-case-begin"
    private static let end = "drover-case-end"

    /// For `sh`. A job that repeats the one before it ends after as many bytes, which only the guest knows in time.
    package var text: String {
        let runs = jobs.map { job in
            let words = job.arguments.map { "'\($0.replacing("'", with: "'\\''"))'" }
            return "run \(words.joined(separator: " "))\(job.ioCase.isRepetition ? " --io_size=$bytes" : "")"
        }
        return """
            run() {
                fio "$@" >/tmp/out 2>/tmp/errors
                status=$?
                echo \(Self.begin) $status
                busybox cat /tmp/out
                [ $status -eq 0 ] || busybox tail -n 5 /tmp/errors
                echo \(Self.end)
                bytes=$(busybox sed -n 's/^ *"io_bytes" : \\([0-9]*\\).*/\\1/p' /tmp/out | busybox sort -n | busybox tail -n 1)
            }
            \(runs.joined(separator: "\n"))
            exit

            """
    }

    /// Reads what the guest printed.
    /// - Returns: one rate for each job.
    /// - Throws: ``BenchError`` with fio's own words when it failed, or when the guest did not get to the end.
    package func rates(in output: String) throws(BenchError) -> [(IOCase, Double)] {
        var parts: [(status: Int, text: String)] = []
        var current: (status: Int, lines: [Substring])?
        for line in output.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            if words.first.map(String.init) == Self.begin {
                current = (words.dropFirst().first.flatMap { Int($0) } ?? -1, [])
            } else if words.first.map(String.init) == Self.end, let done = current {
                parts.append((done.status, done.lines.joined(separator: "\n")))
                current = nil
            } else {
                current?.lines.append(line)
            }
        }
        guard parts.count == jobs.count else {
            throw BenchError(.failed, "the guest ended after \(parts.count) of \(jobs.count) cases")
        }
        var rates: [(IOCase, Double)] = []
        for (job, part) in zip(jobs, parts) {
            guard part.status == 0 else {
                let reason = part.text.split(separator: "\n").last.map(String.init) ?? "exit status \(part.status)"
                throw BenchError(
                    part.text.contains("No space left") ? .noSpace : .failed,
                    "fio failed in a guest in \(job.ioCase.title): \(reason)")
            }
            rates.append((job.ioCase, try job.outcome(of: part.text).rate))
        }
        return rates
    }
}

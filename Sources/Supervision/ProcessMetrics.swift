// SPDX-License-Identifier: Apache-2.0

package import Exposition
import Glibc

/// What any process measures of itself, under the names that collectors know from everywhere.
package enum ProcessMetrics {
    /// What cannot be read now is left out.
    package static func families() -> [MetricFamily] {
        [
            .counter("process_cpu_seconds_total", "processor time, of the kernel included", cpuSeconds),
            .gauge("process_resident_memory_bytes", "memory that is in use", residentBytes),
            .gauge("process_open_fds", "open files and sockets", openFiles),
            .gauge("process_max_fds", "how many there may be", fileLimit),
            .gauge("process_start_time_seconds", "when the process began, in seconds since 1970", startTime),
        ]
    }

    private static var cpuSeconds: Double? {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1_000_000 }
    }

    private static var residentBytes: Double? {
        let fields = text(of: "/proc/self/statm").split(separator: " ")
        guard fields.count > 1, let pages = Double(fields[1]) else { return nil }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static var openFiles: Double? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = -1.0
        while let entry = readdir(folder) { if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 } }
        return count
    }

    private static var fileLimit: Double? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Double(limit.rlim_cur)
    }

    private static var startTime: Double? {
        // The second field is the program's name in parentheses, which may hold anything.
        let fields = text(of: "/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
        let boot = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        guard fields.count > 19, let ticks = Double(fields[19]), let start = boot.flatMap({ Double($0.dropFirst(6)) })
        else { return nil }
        return start + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The beginning of a file of the kernel's, as much of it as is of use here.
    private static func text(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 20 {
            let count = read(file, &part, part.count)
            guard count > 0 else { break }
            bytes += part[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Fills a block device with a file and zeros behind it, so that nothing of what it held before is left.
struct VolumeCopy {
    private static let chunk = 1 << 20
    /// Zeroes a range of a device: two 64-bit numbers, where it begins and how long it is.
    private static let zeroOut: UInt = 0x127f

    /// lseek(2); the importer cannot see them.
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    let source: String
    let device: String

    /// - Throws: ``DeviceError``, also when the device is smaller than the file.
    func run() throws(DeviceError) {
        let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw error("open \(source)") }
        defer { close(input) }
        // The device's name is a symbolic link that udev or LVM made.
        let output = open(device, O_RDWR | O_CLOEXEC)
        guard output >= 0 else { throw error("open \(device)") }
        defer { close(output) }
        let size = Int(lseek(input, 0, SEEK_END))
        let room = Int(lseek(output, 0, SEEK_END))
        guard size >= 0, room >= size else {
            throw DeviceError(.noSpace, "\(device) has \(room) bytes and \(source) \(size)")
        }
        var position = 0
        while position < size {
            let found = Int(lseek(input, off_t(position), Self.seekData))
            guard found >= 0 else {
                guard errno == ENXIO else { throw error("read \(source)") }
                break
            }
            // A file on a share may grow meanwhile.
            let data = min(found, size)
            try zero(output, position.roundedUpToSector..<max(position.roundedUpToSector, data / 512 * 512))
            guard data < size else { break }
            let end = Int(lseek(input, off_t(data), Self.seekHole))
            guard end > data else { throw error("read \(source)") }
            try copy(data / 512 * 512..<min(end, size), input, output)
            position = min(end, size)
        }
        try zero(output, min(position, size).roundedUpToSector..<room)
        guard fsync(output) == 0 else { throw error("write \(device)") }
    }

    private func copy(_ range: Range<Int>, _ input: Int32, _ output: Int32) throws(DeviceError) {
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        var position = range.lowerBound
        while position < range.upperBound {
            let wanted = min(Self.chunk, range.upperBound - position)
            let count = pread(input, &buffer, wanted, off_t(position))
            guard count > 0 else { throw error("read \(source)") }
            // The last sector of a file may be a part of one.
            let whole = count.roundedUpToSector
            if whole > count { for index in count..<whole { buffer[index] = 0 } }
            var written = 0
            while written < whole {
                let step = buffer.withUnsafeBytes { bytes in
                    pwrite(
                        output, bytes.baseAddress.map { $0 + written }, whole - written, off_t(position + written))
                }
                guard step > 0 else { throw error("write \(device)") }
                written += step
            }
            position += count
        }
    }

    private func zero(_ output: Int32, _ range: Range<Int>) throws(DeviceError) {
        guard !range.isEmpty else { return }
        var numbers = [UInt64(range.lowerBound), UInt64(range.count)]
        let status = numbers.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { ioctl(output, Self.zeroOut, $0) } ?? -1
        }
        guard status == 0 else {
            throw error("clear \(device)")
        }
    }

    private func error(_ work: String) -> DeviceError {
        let code = errno
        let cause: DeviceError.Cause =
            switch code {
            case EACCES, EPERM: .denied
            case ENOENT: .notFound
            case ENOSPC: .noSpace
            default: .other
            }
        return DeviceError(cause, "cannot \(work): \(String(cString: strerror(code)))")
    }
}

extension Int {
    fileprivate var roundedUpToSector: Int { (self + 511) / 512 * 512 }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file as a block device, for as long as somebody has it open. The kernel takes it away when the last one closes it,
/// also when this process dies: therefore it is made here and not by losetup, which would leave it behind between two
/// calls (loop(4), LOOP_CONFIGURE, since Linux 5.8).
final class LoopDevice {
    let path: String
    private let descriptor: Int32

    private static let control = "/dev/loop-control"
    private static let getFree: UInt = 0x4c82
    private static let configure: UInt = 0x4c0a
    private static let getStatus: UInt = 0x4c05
    private static let blockDevices = "/sys/block"
    private static let informationLength = 232
    private static let readOnlyFlag: UInt32 = 1
    private static let autoclearFlag: UInt32 = 4
    /// struct loop_config: the file, the block size, a struct loop_info64 of 232 bytes, and 64 bytes in reserve.
    private static let configurationLength = 304
    private static let flagsOffset = 8 + 52
    /// Others may take the device that was free a moment ago.
    private static let attempts = 64

    /// - Parameter isReadOnly: a master is never attached in another way.
    /// - Throws: ``DeviceError``.
    init(_ file: String, isReadOnly: Bool) throws(DeviceError) {
        let backing = open(file, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW)
        guard backing >= 0 else { throw Self.error("open \(file)") }
        defer { close(backing) }
        if !isReadOnly { try Self.checkUnattached(backing, file) }
        let manager = open(Self.control, O_RDWR | O_CLOEXEC)
        guard manager >= 0 else { throw Self.error("open \(Self.control)") }
        defer { close(manager) }
        for _ in 0..<Self.attempts {
            let number = ioctl(manager, Self.getFree)
            guard number >= 0 else { throw Self.error("find a free loop device") }
            let path = "/dev/loop\(number)"
            let device = open(path, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC)
            guard device >= 0 else { throw Self.error("open \(path)") }
            var configuration = [UInt8](repeating: 0, count: Self.configurationLength)
            let flags = Self.autoclearFlag | (isReadOnly ? Self.readOnlyFlag : 0)
            configuration.withUnsafeMutableBytes { bytes in
                bytes.storeBytes(of: UInt32(backing), as: UInt32.self)
                bytes.storeBytes(of: flags, toByteOffset: Self.flagsOffset, as: UInt32.self)
            }
            let status = configuration.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { ioctl(device, Self.configure, $0) } ?? -1
            }
            if status == 0 {
                self.path = path
                descriptor = device
                return
            }
            let code = errno
            close(device)
            if code != EBUSY {
                errno = code
                throw Self.error("attach \(file) to \(path)")
            }
        }
        throw DeviceError(.other, "no loop device stayed free for \(file)")
    }

    deinit { close(descriptor) }

    /// The kernel would write to a file through two devices without a word, such as when a store was moved while its
    /// devices are there.
    /// - Throws: `.busy` when a loop device has the file already.
    private static func checkUnattached(_ backing: Int32, _ file: String) throws(DeviceError) {
        var status = stat()
        guard fstat(backing, &status) == 0 else { throw error("look at \(file)") }
        guard let folder = opendir(blockDevices) else { throw error("look into \(blockDevices)") }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix("loop") else { continue }
            let device = open("/dev/\(name)", O_RDONLY | O_CLOEXEC)
            guard device >= 0 else { continue }
            defer { close(device) }
            var info = [UInt64](repeating: 0, count: informationLength / 8)
            let answer = info.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { ioctl(device, getStatus, $0) } ?? -1
            }
            // Free ones answer with an error. The first two numbers are the file's device and inode.
            guard answer == 0, info[0] == UInt64(status.st_dev), info[1] == UInt64(status.st_ino) else { continue }
            throw DeviceError(
                .busy, "/dev/\(name) has \(file) attached already, such as from before the store was moved")
        }
    }

    private static func error(_ work: String) -> DeviceError {
        let code = errno
        let cause: DeviceError.Cause =
            switch code {
            case EACCES, EPERM: .denied
            case ENOENT: work.hasSuffix(control) ? .unsupported : .notFound
            case ENXIO, ENODEV, EINVAL, ENOTTY: .unsupported
            default: .other
            }
        return DeviceError(cause, "cannot \(work): \(String(cString: strerror(code)))")
    }
}

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

// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// What a VHD's file says of itself, read without opening another.
enum VhdHead {
    /// The footer at the end of a fixed VHD.
    /// - Throws: ``BrokenClone`` with what is wrong.
    static func fixed(_ path: String, in files: any FileAccess) throws(BrokenClone) -> VhdFooter {
        let file = try open(path, in: files)
        let length = Int64(VhdFooter.byteCount)
        do throws(VhdError) {
            let footer = try VhdFooter(decoding: bytes(of: file.file, at: file.size - length, count: length))
            guard footer.diskType == .fixed, footer.currentSize == file.size - length else {
                throw .invalid(field: "the current size", value: UInt64(clamping: footer.currentSize))
            }
            return footer
        } catch {
            throw BrokenClone(error.description)
        }
    }

    /// The footer's copy and the dynamic header of a differencing VHD. The footer at the end is not asked for: while a
    /// VM writes, Xen and Hyper-V put blocks over it and write it anew when the disk is closed.
    /// - Throws: ``BrokenClone`` with what is wrong.
    static func differencing(
        _ path: String, in files: any FileAccess
    ) throws(BrokenClone) -> (footer: VhdFooter, header: VhdDynamicHeader) {
        let file = try open(path, in: files)
        do throws(VhdError) {
            let footer = try VhdFooter(decoding: bytes(of: file.file, at: 0, count: Int64(VhdFooter.byteCount)))
            guard footer.diskType == .differencing, let offset = footer.headerOffset else {
                throw .invalid(field: "the disk type", value: UInt64(footer.diskType.rawValue))
            }
            let length = Int64(VhdDynamicHeader.byteCount)
            let header = try VhdDynamicHeader(decoding: bytes(of: file.file, at: offset, count: length))
            try header.check(footer, fileSize: file.size)
            return (footer, header)
        } catch {
            throw BrokenClone(error.description)
        }
    }

    private static func open(
        _ path: String, in files: any FileAccess
    ) throws(BrokenClone) -> (file: any OpenFile, size: Int64) {
        do throws(FileError) {
            let file = try files.open(path, .read)
            return (file, try file.size())
        } catch {
            throw BrokenClone(error.description)
        }
    }

    private static func bytes(of file: any OpenFile, at offset: Int64, count: Int64) throws(VhdError) -> [UInt8] {
        guard offset >= 0 else { throw .truncated }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        do throws(FileError) {
            let read = try bytes.withUnsafeMutableBufferPointer { buffer throws(FileError) in
                try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            }
            bytes.removeLast(bytes.count - read)
        } catch {
            // The disk's own error shows with the next use; here what matters is that the bytes are not there.
            throw .truncated
        }
        return bytes
    }
}

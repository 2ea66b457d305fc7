// SPDX-License-Identifier: Apache-2.0

/// A disk whose guest is one sector of machine code: it boots under a PC's firmware within a second or two, emulated too.
package enum BootSector {
    /// Says something on the serial console, and stays.
    case says(String)
    /// Switches its machine off at once.
    case switchesOff

    /// The disk: 1 MiB of which all but the first sector is zeros.
    package var image: [UInt8] {
        var code: [UInt8]
        switch self {
        case .says(let text):
            // ax and ds are 0, dx is the serial port, si the text behind the code; a byte after the other goes out, until
            // one is 0; then it halts, for ever.
            code = [
                0x31, 0xc0, 0x8e, 0xd8, 0xba, 0xf8, 0x03, 0xbe, 0x15, 0x7c,
                0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, 0xf4, 0xeb, 0xfd,
            ]
            code += Array(text.utf8.prefix(400)) + [0]
        case .switchesOff:
            // The power management of qemu's machines: soft off.
            code = [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4, 0xeb, 0xfd]
        }
        return code + [UInt8](repeating: 0, count: 510 - code.count) + [0x55, 0xaa]
            + [UInt8](repeating: 0, count: (1 << 20) - 512)
    }
}

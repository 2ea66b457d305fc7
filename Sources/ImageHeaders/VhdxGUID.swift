// SPDX-License-Identifier: Apache-2.0

/// An identifier in a VHDX, as its sixteen bytes stand in the file.
package struct VhdxGUID: Hashable, Sendable {
    private let low: UInt64
    private let high: UInt64

    /// From its usual text, a group of digits each; the last two groups are one number.
    private init(_ first: UInt32, _ second: UInt16, _ third: UInt16, _ rest: UInt64) {
        low = UInt64(third) << 48 | UInt64(second) << 32 | UInt64(first)  // checked: they widen
        high = rest.byteSwapped
    }

    init?(_ bytes: [UInt8], at offset: Int) {
        guard let low = bytes.littleEndian(UInt64.self, at: offset),
            let high = bytes.littleEndian(UInt64.self, at: offset + 8)
        else { return nil }
        self.low = low
        self.high = high
    }

    package var bytes: [UInt8] {
        [low, high].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> ($0 * 8)) } }
    }

    static let none = VhdxGUID(0, 0, 0, 0)
    package static let blockTable = VhdxGUID(0x2dc2_7766, 0xf623, 0x4200, 0x9d64_115e_9bfd_4a08)
    package static let metadata = VhdxGUID(0x8b7c_a206, 0x4790, 0x4b9a, 0xb8fe_575f_050f_886e)
    package static let fileParameters = VhdxGUID(0xcaa1_6737, 0xfa36, 0x4d43, 0xb3b6_33f0_aa44_e76b)
    package static let diskSize = VhdxGUID(0x2fa5_4224, 0xcd1b, 0x4876, 0xb211_5dbe_d83b_f4b8)
    package static let page83Data = VhdxGUID(0xbeca_12ab, 0xb2e6, 0x4523, 0x93ef_c309_e000_c746)
    package static let logicalSectorSize = VhdxGUID(0x8141_bf1d, 0xa96f, 0x4709, 0xba47_f233_a8fa_ab5f)
    package static let physicalSectorSize = VhdxGUID(0xcda3_48c7, 0x445d, 0x4471, 0x9cc9_e988_5251_c556)
    package static let parentLocator = VhdxGUID(0xa8d3_5f2d, 0xb30b, 0x454d, 0xabf7_d3d8_4834_ab0c)

    static let knownItems: Set<VhdxGUID> = [
        .fileParameters, .diskSize, .page83Data, .logicalSectorSize, .physicalSectorSize, .parentLocator,
    ]
}

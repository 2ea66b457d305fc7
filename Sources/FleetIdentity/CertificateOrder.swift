// SPDX-License-Identifier: Apache-2.0

/// What a host asks the tracker of its fleet for: its first certificate, or the next one.
package enum CertificateOrder: Codable, Sendable {
    /// The longest one that is read, in bytes of JSON.
    package static let byteLimit = 32 << 10

    case enrol(EnrolmentRequest)
    case renew(RenewalRequest)
}

// SPDX-License-Identifier: Apache-2.0

/// The hosts of the fleet: who is enrolled, with which certificates, and who may enrol.
package protocol HostStorage: Sendable {
    /// - Returns: `false` when its id or digest is taken.
    func addEnrolmentToken(_ token: StoredEnrolmentToken) async throws(StorageError) -> Bool
    func enrolmentToken(digest: [UInt8]) async throws(StorageError) -> StoredEnrolmentToken?
    /// Enrolment tokens by id, used and expired ones included.
    func enrolmentTokens(after id: String?, limit: Int) async throws(StorageError) -> Page<StoredEnrolmentToken, String>
    /// Takes a token back.
    /// - Returns: whether there was one.
    func removeEnrolmentToken(id: String) async throws(StorageError) -> Bool

    /// Uses up a token and takes the host and its first certificate in, all or nothing. Whether the token's pattern fits
    /// the host is for the caller to have decided.
    /// - Parameters:
    ///   - replacing: whether a host of that name that is enrolled already, and not revoked, makes way: its certificates
    ///     are revoked. One that is revoked makes way in any case. What operators want of a host of that name stays.
    func enrol(
        _ host: StoredHost, _ certificate: StoredCertificate, redeeming digest: [UInt8], replacing: Bool, at time: Int64
    ) async throws(StorageError) -> Enrolment

    func host(_ name: String) async throws(StorageError) -> StoredHost?
    /// Hosts by name, revoked ones included.
    func hosts(after name: String?, limit: Int) async throws(StorageError) -> Page<StoredHost, String>
    /// Changes a host's labels and facts, and what operators want of it.
    /// - Returns: the host as it is stored now; `nil`, and nothing is changed, when its revision is another by now.
    func replaceHost(_ host: StoredHost) async throws(StorageError) -> StoredHost?
    /// Notes when hosts were heard of; unknown names are passed over, and no time goes back.
    func noteHeard(_ times: [String: Int64]) async throws(StorageError)
    /// Shuts a host out and revokes its certificates.
    /// - Returns: the host as it was before; `nil` when there is none.
    func revokeHost(_ name: String, at time: Int64) async throws(StorageError) -> StoredHost?

    /// Adds a further certificate, as at a renewal.
    /// - Returns: `false` when its host is not there or revoked, or the serial is taken.
    func addCertificate(_ certificate: StoredCertificate) async throws(StorageError) -> Bool
    func certificate(serial: String) async throws(StorageError) -> StoredCertificate?
    /// A host's certificates, oldest first. Expired ones go when there are too many.
    func certificates(of host: String) async throws(StorageError) -> [StoredCertificate]
    /// Revokes one certificate.
    /// - Returns: whether there is one.
    func revokeCertificate(serial: String, at time: Int64) async throws(StorageError) -> Bool
    /// Revoked certificates that have not expired at `time`, by serial.
    func revokedCertificates(
        at time: Int64, after serial: String?, limit: Int
    ) async throws(StorageError) -> Page<StoredCertificate, String>
}

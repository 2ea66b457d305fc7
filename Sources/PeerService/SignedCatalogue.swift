// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TrackerProtocol
package import Trust

/// What a tracker hands on of publishers' words: where they read it, and where they put what they have signed. The tracker
/// is believed in nothing; it only passes envelopes on.
package struct SignedCatalogue: Sendable {
    private let tracker: TrackerURL
    private let client: TrackerClient

    /// - Parameters:
    ///   - tracker: its URL as people write it.
    ///   - credentials: what is shown to it, and who may vouch for it.
    /// - Throws: ``HostFailure`` with `.usage`.
    package init(_ tracker: String, credentials: TrackerCredentials = TrackerCredentials()) throws(HostFailure) {
        self.tracker = try TrackerClient.url(tracker)
        client = TrackerClient(credentials: credentials)
    }

    /// The pointer of a line, if the tracker has one.
    package func pointer(of line: String) async throws -> SignedEnvelope? {
        try await client.pointer(of: line, at: tracker)
    }

    /// The highest version of a line that the tracker has, if any; `isUnsigned` when the root's publishers have not signed
    /// it, and anybody may have put it there.
    package func newestVersion(
        of line: String, signedBy root: TrustRoot
    ) async throws -> (version: Int?, isUnsigned: Bool) {
        guard let version = try await client.newestVersion(of: line, at: tracker),
            let name = MasterName(name: line, version: version)
        else { return (nil, false) }
        let envelope = try await client.statement(about: name, at: tracker)
        let statement = try? envelope?.statement(MasterStatement.self, signedBy: root)
        return statement?.master == name ? (version, false) : (nil, true)
    }

    /// Gives the tracker a statement or a pointer.
    /// - Throws: ``HostFailure`` with `.usage` for anything else.
    package func publish(_ envelope: SignedEnvelope) async throws {
        switch envelope.payloadType {
        case MasterStatement.payloadType:
            guard let name = try envelope.unchecked(MasterStatement.self).master else { return }
            try await client.publish(envelope, about: name, to: tracker)
        case LinePointer.payloadType:
            let line = try envelope.unchecked(LinePointer.self).name
            try await client.publish(pointer: envelope, of: line, to: tracker)
        default:
            throw HostFailure(
                .usage,
                "a tracker takes statements about masters and pointers; hand a trust root to hosts, which pin it with "
                    + "`drover trust pin`")
        }
    }
}

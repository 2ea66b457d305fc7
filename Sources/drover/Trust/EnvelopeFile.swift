// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import PeerService
import Trust

/// Signed statements in files.
enum EnvelopeFile {
    static func read(_ path: String) throws(HostFailure) -> SignedEnvelope {
        do {
            return try SignedEnvelope(
                json: PosixFiles().contents(of: StoreLayout.resolve(path), limit: SignedEnvelope.byteLimit))
        } catch let error as FileError where error.cause == .notFound {
            throw HostFailure(.notFound, "there is no file \(path); check the path")
        } catch let refusal as TrustRefusal {
            throw HostFailure(.verification, "\(path): \(refusal)")
        } catch {
            throw HostFailure(error)
        }
    }

    static func write(_ envelope: SignedEnvelope, to path: String) throws(HostFailure) {
        try HostFailure.wrapping { try PosixFiles().replace(StoreLayout.resolve(path), with: envelope.json) }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Metainfo
import OperatorAccess
import Testing
import TrackerProtocol
import TrackerStorage

/// Things to store, and ways to go through lists.
struct StorageSamples {
    static func master(_ name: String = "debian", _ version: Int = 1, content: String = "a") -> PublishedMaster {
        PublishedMaster(
            name: name, version: version, label: "ü", size: 1 << 40, infoHashV1: nil, infoHashV2: content,
            published: "2026-01-01T00:00:00Z")
    }

    static func token(
        _ seed: UInt8, roles: Set<Role> = [.viewer], oneTime: Bool = false, expires: Int64 = 1_000
    ) throws -> OperatorToken {
        let secret = try #require(TokenSecret(bytes: [UInt8](repeating: seed, count: 32)))
        return OperatorToken(
            digest: secret.digest, name: "holder \(seed)", roles: roles, scopes: [try #require(LineScope("web-*"))],
            isOneTime: oneTime, creator: "local", created: 10, expires: expires)
    }

    static func enrolmentToken(_ id: String, expires: Int64 = 1_000) -> StoredEnrolmentToken {
        StoredEnrolmentToken(
            id: id, digest: digest(id), pattern: "h*", labels: ["rack": "r1"], creator: "local", created: 1,
            expires: expires)
    }

    static func digest(_ text: String) -> [UInt8] { SHA256Digest(hashing: Array(text.utf8)).bytes }

    static func certificate(_ serial: String, of host: String, expires: Int64 = 5_000) -> StoredCertificate {
        StoredCertificate(serial: serial, host: host, issued: 1, expires: expires)
    }

    static func name(_ name: String, _ version: Int) throws -> MasterName {
        try #require(MasterName(name: name, version: version))
    }

    /// All pages of a list, each of at most `limit`, together.
    static func all<Element, Cursor>(
        by limit: Int, _ page: (Cursor?, Int) async throws -> Page<Element, Cursor>
    ) async throws -> [Element] {
        var elements: [Element] = []
        var next: Cursor?
        repeat {
            let part = try await page(next, limit)
            #expect(part.elements.count <= limit)
            elements += part.elements
            next = part.next
        } while next != nil
        return elements
    }
}

extension StorageError {
    /// The error that `body` throws, or `nil`.
    static func thrown(by body: () async throws -> Void) async -> StorageError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? StorageError
        }
    }
}

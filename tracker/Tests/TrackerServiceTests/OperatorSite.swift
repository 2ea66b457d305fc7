// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import OperatorAccess
import SqliteStorage
import Subprocess
import SystemPackage
import Testing
import TrackerService
import TrackerStorage

/// Where operators type `drover`: a tracker of a fleet with four played hosts and the master debian@7.
struct OperatorSite: Sendable {
    struct Finished: CustomStringConvertible {
        let status: Int32
        let output: String
        let errors: String
        var description: String { "exited \(status)\nstdout: \(output)\nstderr: \(errors)" }

        func document<Document: Decodable>(_ type: Document.Type) throws -> Document {
            try JSONDecoder().decode(type, from: Data(output.utf8))
        }
    }

    let folder: String
    let url: String
    let storage: SqliteStorage
    let hosts: PlayedHosts

    /// A file with a token of these roles.
    func token(_ roles: Set<Role>, _ name: String = "ada", scopes: Set<LineScope> = []) async throws -> String {
        let secret = try #require(TokenSecret(bytes: TokenSecret.freshBytes()))
        let now = Int64(Date.now.timeIntervalSince1970)
        let token = OperatorToken(
            digest: secret.digest, name: name, roles: roles, scopes: scopes, isOneTime: false, creator: "local",
            created: now, expires: now + 1000)
        #expect(try await storage.addToken(token, usingUp: nil))
        let path = "\(folder)/\(name)-\(token.id)"
        try Data("\(secret.text)\n".utf8).write(to: URL(filePath: path))
        return path
    }

    /// Types `drover` and these words.
    func drover(_ words: String, token: String?) async throws -> Finished {
        let credentials = token.map { ["--token-file", $0] } ?? []
        let asked = words.contains("--tracker") ? [] : ["--tracker", url]
        let arguments = words.split(separator: " ").map(String.init) + asked
        // The program stands beside the tests.
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = tests.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/drover"
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments + credentials),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard case .exited(let status) = result.terminationStatus else {
            throw FleetProblem(status: 500, code: .internal, detail: "\(result.terminationStatus)")
        }
        return Finished(status: status, output: result.standardOutput, errors: result.standardError)
    }
}

func withOperatorSite(_ body: @escaping @Sendable (OperatorSite) async throws -> Void) async throws {
    try await withPlayedFleet { fleet in
        try await body(
            OperatorSite(folder: fleet.folder, url: fleet.url, storage: fleet.storage, hosts: fleet.hosts))
    }
}

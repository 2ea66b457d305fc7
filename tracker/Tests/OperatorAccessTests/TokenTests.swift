// SPDX-License-Identifier: Apache-2.0

import Metainfo
import OperatorAccess
import Testing

@Suite struct TokenTests {
    private func secret(_ byte: UInt8 = 7) throws -> TokenSecret {
        try #require(TokenSecret(bytes: [UInt8](repeating: byte, count: 32)))
    }

    private func token(_ secret: TokenSecret, oneTime: Bool = false, roles: Set<Role> = [.admin]) -> OperatorToken {
        OperatorToken(
            digest: secret.digest, name: "alice", roles: roles, isOneTime: oneTime, creator: "local", created: 0,
            expires: 100)
    }

    @Test func `a token reads back, says nothing in descriptions, and its id gives nothing away`() throws {
        let secret = try secret()
        #expect(secret.text == "drv_" + String(repeating: "07", count: 32))
        #expect(TokenSecret(secret.text)?.text == secret.text)
        #expect("\(secret)" == "drv_***")
        #expect(!secret.text.contains(secret.id))
        for text in [
            "", "drv_", secret.text + "0", String(secret.text.dropLast()), secret.text.uppercased(),
            "x" + secret.text, "drv_" + String(repeating: "é", count: 32), secret.text.replacing("0", with: " "),
        ] { #expect(TokenSecret(text) == nil, "\(text)") }
        #expect(TokenSecret(bytes: []) == nil)
    }

    @Test func `a token admits its holder until it expires or is withdrawn`() throws {
        var token = token(try secret())
        #expect(token.admits(try secret(), at: 99))
        #expect(!token.admits(try secret(), at: 100))
        #expect(!token.admits(try secret(8), at: 99))
        token.revoked = 5
        #expect(!token.admits(try secret(), at: 99))
    }

    @Test func `roles allow what they say and scopes narrow it`() throws {
        func requester(_ roles: Set<Role>, _ scopes: [String] = [], oneTime: Bool = false) throws -> Requester {
            var token = token(try secret(), oneTime: oneTime, roles: roles)
            token.scopes = Set(scopes.compactMap { LineScope($0) })
            return .operator(.init(token))
        }
        #expect(try requester([.viewer]).may(.view) && !requester([.viewer]).may(.publish))
        #expect(try !requester([.admin]).may(.publish) && !requester([.admin]).may(.rollOut))
        #expect(try requester([.admin, .publisher]).may(.publish, on: "debian"))
        let scoped = try requester([.publisher], ["web-*", "db"])
        #expect(scoped.may(.publish, on: "web-1") && scoped.may(.publish, on: "db"))
        #expect(!scoped.may(.publish, on: "db2") && !scoped.may(.publish, on: "debian"))
        let once = try requester([.admin], oneTime: true)
        #expect(Permission.allCases.filter { once.may($0) } == [.createTokens])
        for nobody in [Requester.anonymous, .host("h1")] {
            #expect(Permission.allCases.allSatisfy { !nobody.may($0) })
        }
        for bad in ["", "a/b", "web-*x", String(repeating: "a", count: 64), "ü"] { #expect(LineScope(bad) == nil) }
    }
}

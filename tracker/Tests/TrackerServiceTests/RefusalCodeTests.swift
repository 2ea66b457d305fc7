// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import FleetProtocol
import Testing
import TrackerService
import Trust

@Suite struct RefusalCodeTests {
    @Test func `whatever is wrong with what is signed or with a certificate has a code of the list`() {
        let trust = TrustRefusal.Code.allCases.map { ReasonCode(rawValue: $0.rawValue) }
        let identity = IdentityRefusal.allCases.map { ReasonCode($0) }
        for code in trust + identity { #expect(code.isKnown, "\(code)") }
        // A certificate that is revoked is something else than a master that is.
        #expect(Set(trust).isDisjoint(with: identity))
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Supervision
import Testing

@Suite struct ServiceNoticeTests {
    @Test(arguments: ["@drover-\(UUID().uuidString)", "\(NSTemporaryDirectory())/drover-\(UUID().uuidString)"])
    func `a notice reaches its manager`(_ name: String) throws {
        let manager = try Listener(name)
        #expect(ServiceNotice.ready("listening on\n[::]:6969").send(to: name))
        #expect(manager.heard() == "READY=1\nSTATUS=listening on [::]:6969")
        #expect(ServiceNotice.stopping.send(to: name))
        #expect(manager.heard() == "STOPPING=1")
        #expect(manager.heard() == nil)
    }

    @Test(arguments: [nil, "", "relative", "/nowhere/at/all", "@" + String(repeating: "x", count: 200)])
    func `without a manager nothing happens`(_ name: String?) {
        #expect(!ServiceNotice.stopping.send(to: name))
    }
}

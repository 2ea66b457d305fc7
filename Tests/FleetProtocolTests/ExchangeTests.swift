// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import Foundation
import Metainfo
import Testing

/// Programs of different ages talk with each other.
@Suite struct ExchangeTests {
    private func decode<Document: Decodable>(_ type: Document.Type, _ text: String) throws -> Document {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// A document that was recorded is read, and written again as it was.
    /// - Parameter dropped: what programs no longer write, since nobody ever used it.
    private func holds<Document: Codable>(
        _ type: Document.Type, _ text: String, but dropped: String = ""
    ) throws -> Document {
        let document = try decode(type, text)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode(document), as: UTF8.self) == text.replacing(dropped, with: ""))
        return document
    }

    @Test func `what version 1 sent means today what it meant`() throws {
        let orders = try holds(HostOrders.self, RecordedExchange.orders)
        let order = try #require(orders.orders.first)
        #expect(order.step == .activate && order.isProbed && order.previous == 6 && orders.tag == "412")
        #expect(order.master == MasterName(name: "debian", version: 7))
        #expect(order.stamp == OrderStamp(epoch: "1-5f2a", rollout: 9, order: 412))
        let notice = try holds(HostNotice.self, RecordedExchange.notice, but: ",\"pinned\":false")
        #expect(notice.reports.map(\.state) == [.staging, .probeFailed])
        #expect(notice.reports.map(\.code) == [nil, .probeFailed])
        let facts = try #require(notice.facts)
        #expect(facts.labels == ["rack": "r1", "role": "compute"])
        #expect(facts.lines.first?.held == [5, 6, 7] && facts.lines.first?.clones.map(\.count) == [12, 3])
        #expect(try holds(RolloutRequest.self, RecordedExchange.request).onError == .rollback)
        #expect(try holds(RolloutCommandRequest.self, RecordedExchange.command).host == "h001")
        #expect(try holds(RolloutPlanDocument.self, RecordedExchange.plan).aside.first?.code == .offline)
        #expect(try holds(RolloutStatusDocument.self, RecordedExchange.status).pause?.code == .errorThreshold)
        #expect(try holds(RolloutListDocument.self, RecordedExchange.list).next == "8")
        #expect(try holds(RolloutWhyDocument.self, RecordedExchange.why).holders == ["h002"])
        #expect(try holds(FleetProblem.self, RecordedExchange.problem).code == .wrongPhase)
    }

    @Test func `fields, words and codes of a newer program are passed over`() throws {
        let newer = RecordedExchange.orders
            .replacing("\"written\":1", with: "\"written\":2")
            .replacing("\"step\":\"activate\"", with: "\"step\":\"warm-up\",\"mood\":{\"deep\":[1,2]}")
        let order = try #require(try decode(HostOrders.self, newer).orders.first)
        #expect(!order.step.isKnown && order.step.rawValue == "warm-up")
        let code = RecordedExchange.notice.replacing("\"code\":\"probe-failed\"", with: "\"code\":\"flux-capacitor\"")
        let report = try #require(try decode(HostNotice.self, code).reports.last)
        #expect(report.code?.isKnown == false && report.code?.explanation == nil)
        #expect(report.code?.rawValue == "flux-capacitor")
    }

    @Test func `a document that demands a newer program says so`() throws {
        let newer = RecordedExchange.orders.replacing("\"least\":1", with: "\"least\":2")
        let error = #expect(throws: DecodingError.self) { try decode(HostOrders.self, newer) }
        #expect("\(try #require(error))".contains("update it"))
    }

    @Test func `wishes that are not understood are refused`() {
        for (known, unknown) in [("\"rollback\"", "\"shrug\""), ("\"canaries\",\"reason", "\"dogs\",\"reason")] {
            let text = RecordedExchange.request.replacing(known, with: unknown)
            #expect(throws: DecodingError.self) { try decode(RolloutRequest.self, text) }
        }
        let command = RecordedExchange.command.replacing("retry", with: "dance")
        #expect(throws: DecodingError.self) { try decode(RolloutCommandRequest.self, command) }
    }

    @Test func `every bound holds, and one less is taken`() throws {
        func orders(_ count: Int) -> String {
            let one = RecordedExchange.orders.split(separator: "\"orders\":[")[1].split(separator: "],\"tag\"")[0]
            let all = Array(repeating: String(one), count: count).joined(separator: ",")
            return "{\"version\":{\"written\":1,\"least\":1},\"tag\":\"t\",\"orders\":[\(all)]}"
        }
        #expect(try decode(HostOrders.self, orders(FleetLimits.lines)).orders.count == FleetLimits.lines)
        #expect(throws: DecodingError.self) { try decode(HostOrders.self, orders(FleetLimits.lines + 1)) }
        func label(_ bytes: Int) -> String {
            RecordedExchange.notice.replacing("\"r1\"", with: "\"\(String(repeating: "a", count: bytes))\"")
        }
        #expect(throws: Never.self) { try decode(HostNotice.self, label(FleetLimits.wordBytes)) }
        #expect(throws: DecodingError.self) { try decode(HostNotice.self, label(FleetLimits.wordBytes + 1)) }
        func log(_ bytes: Int) -> String {
            RecordedExchange.notice.replacing("probe-17", with: String(repeating: "a", count: bytes))
        }
        #expect(throws: Never.self) { try decode(HostNotice.self, log(FleetLimits.logBytes)) }
        #expect(throws: DecodingError.self) { try decode(HostNotice.self, log(FleetLimits.logBytes + 1)) }
    }

    @Test(arguments: [
        ("\"master\":\"debian@7\"", "\"master\":\"debian\""), ("\"master\":\"debian@7\"", "\"master\":\"../x@7\""),
        ("\"master\":\"debian@7\"", "\"master\":\"debian@0\""), ("\"name\":\"debian\"", "\"name\":\"a/b\""),
        ("\"active\":6", "\"active\":0"), ("\"active\":6", "\"active\":-1"), ("\"count\":12", "\"count\":-12"),
        ("\"held\":[5,6,7]", "\"held\":[5,0]"), ("\"freeBytes\":107374182400", "\"freeBytes\":-1"),
        ("\"state\":\"staging\"", "\"state\":\"Sta ging\""), ("\"state\":\"staging\"", "\"state\":\"\""),
        ("\"order\":412", "\"order\":99999999999999999999"), ("\"least\":1", "\"least\":0"),
        ("\"version\":{\"least\":1,\"written\":1}", "\"version\":1"), ("\"reports\":[", "\"reports\":[7,"),
    ])
    func `what cannot be is refused`(known: String, bad: String) {
        let text = RecordedExchange.notice.replacing(known, with: bad)
        #expect(text != RecordedExchange.notice)
        #expect(throws: DecodingError.self) { try decode(HostNotice.self, text) }
    }

    @Test func `an order is judged by its stamp alone`() {
        let kept = OrderStamp(epoch: "a", rollout: 3, order: 50)
        #expect(kept.novelty(after: nil) == .newer)
        #expect(kept.novelty(after: kept) == .same)
        // An older rollout may have the newer order: its rollback.
        #expect(OrderStamp(epoch: "a", rollout: 2, order: 51).novelty(after: kept) == .newer)
        #expect(OrderStamp(epoch: "a", rollout: 4, order: 49).novelty(after: kept) == .older)
        // A restored tracker may count on from far behind, or far ahead.
        #expect(OrderStamp(epoch: "b", rollout: 3, order: 99).novelty(after: kept) == .otherEpoch)
        #expect(OrderStamp(epoch: "b", rollout: 3, order: 1).novelty(after: kept) == .otherEpoch)
    }

    @Test func `every code is explained, once, by a sentence`() {
        let codes = ReasonCode.known
        #expect(Set(codes).count == codes.count)
        for code in codes { #expect(code.explanation?.hasSuffix(".") == true, "\(code)") }
        for code in [ReasonCode.noSpace, .unrecognised, .epochChanged, .busy, .restored, .revoked] {
            #expect(code.isKnown)
        }
    }

    @Test(arguments: ["", "-a", "A", "a/b", "a\0", String(repeating: "a", count: 254)])
    func `names of hosts that are none are refused`(name: String) {
        #expect(!FleetHostName.isValid(name))
        #expect(FleetHostName.isValid("h001.rack-1"))
    }
}

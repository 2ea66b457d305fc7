// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import TestSupport
import Testing

/// What a bare name means, and going back.
struct ActiveVersionsTests {
    private static func activated(_ versions: Int...) -> ActiveVersions {
        var line = ActiveVersions()
        for version in versions { line.activate(version) }
        return line
    }

    @Test func `the two versions before the active one are kept`() {
        let line = Self.activated(1, 2, 3, 4)
        #expect(line.current == 4)
        #expect(line.previous == [3, 2])
        #expect(line.kept == [4, 3, 2])
    }

    @Test func `activating what is active changes nothing`() {
        var line = Self.activated(1, 2)
        line.activate(2)
        #expect(line == Self.activated(1, 2))
    }

    @Test func `going back remembers the version that was left`() {
        var line = Self.activated(1, 2, 3)
        #expect(line.rollBack(reason: "no boot", at: 7) { _ in true } == 2)
        #expect(line.previous == [1])
        #expect(line.denial(of: 3)?.reason == "no boot")
        #expect(line.rollBack(reason: "nor this", at: 8) { _ in true } == 1)
        let end = line
        #expect(line.rollBack(reason: "again", at: 9) { _ in true } == nil)
        #expect(line == end, "with nothing to go back to nothing changes")
    }

    @Test func `going back passes over what cannot be used`() {
        var line = Self.activated(1, 2, 3)
        #expect(line.rollBack(reason: "", at: 0) { $0 != 2 } == 1)
        #expect(line.previous.isEmpty)
    }

    @Test func `a version that was left may come again once it is allowed`() {
        var line = Self.activated(1, 2)
        _ = line.rollBack(reason: "", at: 0) { _ in true }
        line.activate(2)
        #expect(line.denied.isEmpty && line.current == 2 && line.previous == [1])
    }

    @Test func `a version that is gone is not gone back to`() {
        var line = Self.activated(1, 2, 3)
        line.forget(2)
        #expect(line.previous == [1])
        line.forget(3)
        #expect(line.current == 1, "the last one before it")
        line.forget(1)
        #expect(line.current == nil)
    }

    /// Three masters of one line.
    private static func masters(_ files: any FileAccess) throws -> (StoreFixture, ImageStore) {
        let fixtures = try (1...3).map { try StoreFixture("office@\($0)", size: 2 * 16384, seed: UInt64($0)) }
        let store = try fixtures[0].open(files)
        for fixture in fixtures { try fixture.finish(store) }
        return (fixtures[0], store)
    }

    private static func name(_ version: Int) throws -> MasterName {
        try #require(MasterName(name: "office", version: version))
    }

    @Test func `a bare name means the active version, or the newest where none is active`() throws {
        let files = CrashFiles()
        let (fixture, store) = try Self.masters(files)
        #expect(try store.master(of: "office").name.version == 3)
        try store.activate(Self.name(2))
        #expect(try store.master(of: "office").name.version == 2)
        let again = try fixture.open(files)
        #expect(try again.master(of: "office").name.version == 2)
        try again.activate(Self.name(3))
        #expect(try again.rollBack("office", reason: "no boot").version == 2)
        #expect(throws: StoreError.self) { try again.activate(Self.name(3)) }
        try again.activate(Self.name(3), clearingDenial: true)
    }

    /// Versions 1 and 2 by hand, and what a tracker's order for version 3 begins with.
    private static func staging(_ files: any FileAccess) throws -> (StoreFixture, ImageStore) {
        var fixtures = try (1...3).map { try StoreFixture("office@\($0)", size: 2 * 16384, seed: UInt64($0)) }
        let store = try fixtures[0].open(files)
        for fixture in fixtures.prefix(2) { try fixture.finish(store) }
        fixtures[2].request = FetchRequest(stageRatePercent: 30)
        return (fixtures[2], store)
    }

    @Test func `what an order brings is not what a bare name means before it is activated`() throws {
        let files = CrashFiles()
        let (ordered, store) = try Self.staging(files)
        try ordered.finish(store)
        #expect(try store.master(of: "office").name.version == 2)
        #expect(try store.verify(Self.name(3), progress: { _ in }, isCancelled: { false }).isGood)
        let again = try ordered.open(files)
        #expect(try again.master(of: "office").name.version == 2)
        try again.activate(Self.name(3))
        #expect(try again.master(of: "office").name.version == 3)
        try again.leave(Self.name(3), for: nil, reason: "no boot")
        #expect(try again.master(of: "office").name.version == 2, "there was no pointer to go back to")
        // Older programs wrote the same of what somebody fetched by hand.
        let record = try #require(files.bytes(at: "\(StoreFixture.root)/masters/office@2.json"))
        #expect(!String(decoding: record, as: UTF8.self).contains("isStaged"))
    }

    @Test func `a bare name means nothing where orders brought all there is, and says what to do`() throws {
        let files = CrashFiles()
        let (ordered, store) = try Self.staging(files)
        try ordered.finish(store)
        for version in 1...2 { try store.remove(Self.name(version)) { _ in false } }
        let error = #expect(throws: StoreError.self) { try store.master(of: "office") }
        #expect(error?.kind == .notFound && error?.description.contains("drover master activate office@3") == true)
    }

    @Test func `what somebody on the host fetches as well is his`() throws {
        let (ordered, store) = try Self.staging(CrashFiles())
        _ = try ordered.begin(store)
        var byHand = ordered
        byHand.request = FetchRequest()
        try byHand.finish(store)
        #expect(try store.master(of: "office").name.version == 3)
    }

    @Test(arguments: StoreCrashTests.survivals)
    func `a crash at any point of staging changes nothing that a bare name means`(_ survival: CrashFiles.Survival)
        throws
    {
        let files = CrashFiles()
        let (ordered, store) = try Self.staging(files)
        let before = files.changeCount
        try ordered.finish(store)
        for count in before...files.changeCount {
            let store = try ordered.open(files.afterCrash(changes: count, survival))
            #expect(
                try store.master(of: "office").name.version == 2,
                "crash after change \(count) of \(files.changeCount), \(survival)")
            try ordered.finish(store)
            #expect(try store.master(of: "office").name.version == 2)
        }
    }

    @Test func `what was retired is not what a bare name means, and the active version is not retired`() throws {
        let (_, store) = try Self.masters(CrashFiles())
        try store.retire(Self.name(3))
        #expect(try store.master(of: "office").name.version == 2)
        try store.activate(Self.name(3))
        #expect(#expect(throws: StoreError.self) { try store.retire(Self.name(3)) }?.kind == .conflict)
        try store.activate(Self.name(2))
        #expect(store.activeVersions(of: "office").retired.isEmpty)
    }

    @Test func `a rollback passes over what is not allowed`() throws {
        let (_, store) = try Self.masters(CrashFiles())
        for version in 1...3 { try store.activate(Self.name(version)) }
        #expect(try store.rollBack("office", reason: "") { $0.version != 2 }.version == 1)
    }

    @Test func `there is no going back without a version that was active before`() throws {
        let (_, store) = try Self.masters(CrashFiles())
        #expect(throws: StoreError.self) { try store.rollBack("office", reason: "") }
        try store.activate(Self.name(3))
        #expect(#expect(throws: StoreError.self) { try store.rollBack("office", reason: "") }?.kind == .conflict)
        #expect(try store.master(of: "office").name.version == 3)
    }

    @Test func `the active version and those to go back to are kept`() throws {
        let (_, store) = try Self.masters(CrashFiles())
        try store.activate(Self.name(1))
        try store.activate(Self.name(2))
        try store.pin(Self.name(3), true)
        for version in 1...3 {
            let error = #expect(throws: StoreError.self) { try store.remove(Self.name(version)) { _ in false } }
            #expect(error?.kind == .conflict)
        }
        try store.remove(Self.name(2), force: true) { _ in false }
        #expect(try store.master(of: "office").name.version == 1)
    }

    @Test func `a folder that cannot be asked does not mean the newest version`() throws {
        let files = CrashFiles()
        let (fixture, store) = try Self.masters(files)
        try store.activate(Self.name(1))
        let faulty = UnreadableFile(files, "\(StoreFixture.root)/active")
        #expect(throws: StoreError.self) { try fixture.open(faulty) }
    }

    @Test func `a line whose file cannot be read does not mean the newest version`() throws {
        let files = CrashFiles()
        let (fixture, store) = try Self.masters(files)
        try store.activate(Self.name(1))
        try files.replace("\(StoreFixture.root)/active/office.json", with: Array("{".utf8))
        #expect(#expect(throws: StoreError.self) { try fixture.open(files) }?.kind == .invalid)
    }

    @Test(arguments: StoreCrashTests.survivals)
    func `a crash at any point of a flip leaves the old version or the new one`(_ survival: CrashFiles.Survival) throws
    {
        let files = CrashFiles()
        let (fixture, store) = try Self.masters(files)
        try store.activate(Self.name(1))
        let before = files.changeCount
        try store.activate(Self.name(2))
        let flipped = files.changeCount
        _ = try store.rollBack("office", reason: "no boot")
        for count in before...files.changeCount {
            let comment: Comment = "crash after change \(count) of \(files.changeCount), \(survival)"
            let store = try fixture.open(files.afterCrash(changes: count, survival))
            let version = try store.master(of: "office").name.version
            if count == before { #expect(version == 1, comment) }
            if count == flipped { #expect(version == 2, comment) }
            if count == files.changeCount {
                #expect(version == 1, comment)
                #expect(store.activeVersions(of: "office").denial(of: 2) != nil, comment)
            }
            #expect([1, 2].contains(version), comment)
        }
    }
}

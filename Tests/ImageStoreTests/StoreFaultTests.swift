// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import TestSupport
import Testing

/// Disks that are full or fail.
struct StoreFaultTests {
    /// What a fetch without trouble does, to know how many places there are for trouble.
    private func quietRun(_ fixture: StoreFixture) throws -> CrashFiles {
        let files = CrashFiles()
        try fixture.finish(try fixture.open(files))
        return files
    }

    @Test func `a disk that is full at any write says so, leaves no lie, and the fetch goes on when there is space`()
        throws
    {
        let fixture = try StoreFixture()
        for write in 0..<(try quietRun(fixture).writeCount) {
            let comment: Comment = "full from write \(write)"
            let files = CrashFiles()
            let store = try fixture.open(files)
            var faults = CrashFiles.Faults()
            faults.fullFromWrite = write
            files.setFaults(faults)
            let error = #expect(throws: StoreError.self, comment) { try fixture.finish(store) }
            switch error?.kind {
            case .noSpace?, .poisoned?: break
            default: Issue.record("\(comment): \(String(describing: error))")
            }
            #expect(error?.description.contains("noSpace") == true, comment)
            // The same run and one after a crash both come to the end.
            let crashed = files.afterCrash(changes: files.changeCount, .onlySynced)
            files.setFaults(CrashFiles.Faults())
            try fixture.expectHonest(store, files, comment)
            try fixture.finish(store)
            try fixture.expectFinished(files, comment)
            try fixture.finish(try fixture.open(crashed))
            try fixture.expectFinished(crashed, comment)
        }
    }

    @Test func `a fetch that does not begin for want of space leaves nothing`() throws {
        let fixture = try StoreFixture()
        let files = CrashFiles()
        let store = try fixture.open(files)
        for write in 0..<6 {
            var faults = CrashFiles.Faults()
            faults.fullFromWrite = files.writeCount + write
            files.setFaults(faults)
            #expect(throws: StoreError.self) { try fixture.begin(store) }
            #expect(try files.names(in: "\(StoreFixture.root)/partial") == [], "full from write \(write)")
        }
    }

    @Test func `a sync that fails once is never believed afterwards`() throws {
        let fixture = try StoreFixture()
        for sync in 0..<(try quietRun(fixture).syncCount) {
            let comment: Comment = "sync \(sync) fails"
            let files = CrashFiles()
            let store = try fixture.open(files)
            var faults = CrashFiles.Faults()
            faults.failingSync = sync
            files.setFaults(faults)
            #expect(throws: StoreError.self, comment) { try fixture.finish(store) }
            let failed = files.changeCount
            // The next syncs succeed. Whatever is claimed from here on must be on disk.
            try fixture.finish(store)
            try fixture.expectFinished(files, comment)
            for count in failed...files.changeCount {
                let left = files.afterCrash(changes: count, .onlySynced)
                let store = try fixture.open(left)
                try fixture.expectHonest(store, left, "\(comment), crash after \(count)")
                try fixture.finish(store)
                try fixture.expectFinished(left, "\(comment), crash after \(count)")
            }
        }
    }

    @Test func `a folder that cannot be synced once costs nothing but an error`() throws {
        let fixture = try StoreFixture()
        for sync in 0..<(try quietRun(fixture).directorySyncCount) {
            let comment: Comment = "sync \(sync) of a folder fails"
            let files = CrashFiles()
            var faults = CrashFiles.Faults()
            faults.failingDirectorySync = sync
            files.setFaults(faults)
            let store: ImageStore
            do {
                store = try fixture.open(files)
                #expect(throws: StoreError.self, comment) { try fixture.finish(store) }
            } catch {
                store = try fixture.open(files)
            }
            try fixture.finish(store)
            #expect(files.bytes(at: fixture.masterPath) == fixture.image.bytes, comment)
            let left = files.afterCrash(changes: files.changeCount, .onlySynced)
            let reopened = try fixture.open(left)
            try fixture.expectHonest(reopened, left, comment)
            try fixture.finish(reopened)
            try fixture.expectFinished(left, comment)
        }
    }

    @Test func `after a failed sync a partial image refuses everything until it is reopened`() throws {
        let fixture = try StoreFixture()
        let files = CrashFiles()
        let store = try fixture.open(files)
        let partial = try fixture.begin(store)
        let pieces = [0, 1].compactMap(fixture.image.geometry.piece)
        try fixture.write(0, to: partial)
        try partial.recordVerified([pieces[0]])
        try fixture.write(1, to: partial)
        var faults = CrashFiles.Faults()
        faults.failingSync = files.syncCount
        files.setFaults(faults)
        let error = #expect(throws: StoreError.self) { try partial.recordVerified([pieces[1]]) }
        #expect(error?.kind == .poisoned)
        #expect(!partial.isVerified(pieces[1]))
        #expect(throws: StoreError.self) { try partial.recordVerified([pieces[1]]) }
        #expect(throws: StoreError.self) { try fixture.write(3, to: partial) }
        #expect(throws: StoreError.self) { try store.register(partial) }
        let reopened = try store.resume(fixture.name)
        #expect(reopened !== partial)
        #expect(reopened.isVerified(pieces[0]) && !reopened.isVerified(pieces[1]))
        try fixture.finish(store)
        try fixture.expectFinished(files, "after reopening")
    }

    @Test(arguments: [FileError.Cause.readOnly, .denied])
    func `a store that cannot be written says what to do`(_ cause: FileError.Cause) throws {
        let fixture = try StoreFixture()
        let files = CrashFiles()
        let store = try fixture.open(files)
        var faults = CrashFiles.Faults()
        faults.refusal = cause
        files.setFaults(faults)
        let error = #expect(throws: StoreError.self) { try fixture.begin(store) }
        #expect(error?.kind == (cause == .readOnly ? .readOnly : .denied))
        files.setFaults(CrashFiles.Faults())
        #expect(try files.names(in: "\(StoreFixture.root)/partial") == [])
    }
}

// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import Testing

/// The conformance suite over every backend: those of files here, those of block devices in the guest.
@Suite struct CloneBackendTests {
    enum Venue: String, CaseIterable, Sendable {
        case qcow2
        case qcow2OfSmallClusters
        case qcow2OfPartedClusters
        case reflinkOnXFS
        case reflinkOnBtrfs
        case copy
        case vhd
        case vhdOnXFS
        case qcow2WithSeedImages
        case reflinkOnXFSWithSeedImages
        case dmSnapshot
        case dmThin
        case lvm
        case lvmThin

        var isInGuest: Bool { [.dmSnapshot, .dmThin, .lvm, .lvmThin].contains(self) }

        func suite() throws -> CloneBackendConformance {
            if isInGuest { try Guest.clear() }
            return switch self {
            case .qcow2:
                CloneBackendConformance(folder: try TestFolder(), format: "qcow2") { Qcow2Backend(site: $0) }
            case .qcow2OfSmallClusters:
                CloneBackendConformance(
                    folder: try TestFolder(), format: "qcow2", settings: try CloneSettings(clusterSize: 4096)
                ) { Qcow2Backend(site: $0) }
            case .qcow2OfPartedClusters:
                CloneBackendConformance(
                    folder: try TestFolder(), format: "qcow2",
                    settings: try CloneSettings(clusterSize: 128 << 10, extendedL2: true)
                ) { Qcow2Backend(site: $0) }
            case .reflinkOnXFS:
                CloneBackendConformance(folder: try TestFolder(.xfs), format: "raw") { ReflinkBackend(site: $0) }
            case .reflinkOnBtrfs:
                CloneBackendConformance(folder: try TestFolder(.btrfs), format: "raw") { ReflinkBackend(site: $0) }
            case .copy:
                CloneBackendConformance(folder: try TestFolder(), format: "raw") { CopyBackend(site: $0) }
            case .vhd:
                CloneBackendConformance(folder: try TestFolder(), format: "vhd") { VhdBackend(site: $0) }
            case .vhdOnXFS:
                CloneBackendConformance(folder: try TestFolder(.xfs), format: "vhd") { VhdBackend(site: $0) }
            case .qcow2WithSeedImages:
                CloneBackendConformance(folder: try TestFolder(), format: "qcow2", identity: try Self.identity()) {
                    Qcow2Backend(site: $0)
                }
            case .reflinkOnXFSWithSeedImages:
                CloneBackendConformance(folder: try TestFolder(.xfs), format: "raw", identity: try Self.identity()) {
                    ReflinkBackend(site: $0)
                }
            case .dmSnapshot:
                CloneBackendConformance(folder: try TestFolder(), format: "raw", stride: Guest.stride) {
                    DmSnapshotBackend(site: $0, mappings: Guest.mappings($0))
                }
            case .dmThin:
                CloneBackendConformance(folder: try TestFolder(), format: "raw", stride: Guest.stride) {
                    DmThinBackend(site: $0, mappings: Guest.mappings($0))
                }
            case .lvm:
                CloneBackendConformance(folder: try TestFolder(), format: "raw", stride: Guest.stride) {
                    LvmBackend.snapshots(site: $0, mappings: Guest.mappings($0), volumes: Guest.volumes($0))
                }
            case .lvmThin:
                CloneBackendConformance(folder: try TestFolder(), format: "raw", stride: Guest.stride) {
                    LvmBackend.thin(site: $0, mappings: Guest.mappings($0), volumes: Guest.volumes($0))
                }
            }
        }

        private static func identity() throws -> GuestIdentity {
            try GuestIdentity(hostName: "vm.example.net", userData: Array("#!/bin/sh\necho hello\n".utf8))
        }
    }

    /// What can be tried here: on the machine itself files, in the guest block devices.
    static let venues = Venue.allCases.filter { $0.isInGuest == Guest.isHere }

    /// Another shape of the same backend takes the same steps on the disk, so its faults are not tried again.
    static let faultVenues = venues.filter { ![.qcow2OfSmallClusters, .qcow2OfPartedClusters].contains($0) }

    @Test(arguments: CloneBackendTests.venues)
    func `clones are made, written, listed, reset, kept over a restart and removed`(_ venue: Venue) throws {
        try venue.suite().livesThroughItsDay()
    }

    @Test(arguments: CloneBackendTests.venues)
    func `a clone moves to another version of its master and stays who it is`(_ venue: Venue) throws {
        try venue.suite().movesToAnotherVersion()
    }

    @Test(arguments: CloneBackendTests.venues)
    func `a name that is taken is refused before anything is made`(_ venue: Venue) throws {
        try venue.suite().refusesANameTaken()
    }

    @Test(arguments: CloneBackendTests.venues)
    func `a clone whose file is gone is broken, and a reset mends it`(_ venue: Venue) throws {
        try venue.suite().seesThatAClonesArtefactIsGone()
    }

    @Test(arguments: CloneBackendTests.faultVenues)
    func `a full disk leaves nothing half made and can be emptied`(_ venue: Venue) throws {
        try venue.suite().leavesNothingWhenTheDiskIsFull()
    }

    @Test(arguments: CloneBackendTests.faultVenues)
    func `a crash between any two operations leaves nothing that leaks or lies`(_ venue: Venue) throws {
        try venue.suite().survivesACrashAnywhere()
    }

    @Test(arguments: CloneBackendTests.faultVenues)
    func `any single failed operation leaves nothing that leaks or lies`(_ venue: Venue) throws {
        try venue.suite().survivesAFailureAnywhere()
    }
}

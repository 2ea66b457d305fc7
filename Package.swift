// swift-tools-version: 6.1
import PackageDescription

/// Every target is built with the same strictness: Swift 6 mode and the upcoming features that make imports and
/// existentials explicit, so that a leaking dependency is visible in the file that leaks it.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

/// With DROVER_FUZZ=1 the code under test is instrumented for libFuzzer, bounds of unsafe memory are checked, and the
/// program that runs the fuzz targets exists. `Tests/Fuzzing/run` builds so, in a scratch folder of its own.
let isFuzzing = Context.environment["DROVER_FUZZ"] == "1"
let sanitizers = "-sanitize=fuzzer,address"

func module(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies, path: path,
        swiftSettings: isFuzzing ? strict + [.unsafeFlags([sanitizers])] : strict)
}

/// A module that only tests use, which is never instrumented.
func support(_ name: String, path: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

/// Programs hold Swift's libraries, so that a host needs no toolchain. What Foundation's part in that needs beside is
/// named nowhere when modules were compiled for the shared one, as the tests want them.
let selfContained: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-stdlib", "-lCoreFoundation", "-l_FoundationCShims", "-l_FoundationCollections",
            "-l_FoundationICU",
        ], .when(platforms: [.linux]))
]

func program(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: path, swiftSettings: strict, linkerSettings: selfContained)
}

func tests(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

extension Target.Dependency {
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let logging = product(name: "Logging", package: "swift-log")
    static let lifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let httpParts = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let hummingbirdTesting = product(name: "HummingbirdTesting", package: "hummingbird")
    static let arguments = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let httpClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let systemPackage = product(name: "SystemPackage", package: "swift-system")
    static let deque = product(name: "DequeModule", package: "swift-collections")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let asn1 = product(name: "SwiftASN1", package: "swift-asn1")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let x509 = product(name: "X509", package: "swift-certificates")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
}

let fuzzer: [Target] =
    isFuzzing
    ? [
        .systemLibrary(name: "CLibFuzzer", path: "Tests/Fuzzing/CLibFuzzer"),
        .executableTarget(
            name: "Fuzzer", dependencies: ["FuzzTargets", "CLibFuzzer"], path: "Tests/Fuzzing/Fuzzer",
            swiftSettings: strict, linkerSettings: [.unsafeFlags([sanitizers, "-use-ld=lld"])]),
    ] : []

let package = Package(
    name: "drover",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "drover", targets: ["drover"]),
        .executable(name: "drover-tracker", targets: ["drover-tracker"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.0"),
    ],
    targets: [
        // What an image is and what peers and trackers say: no I/O.
        .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CLeafHash"),
        module("Metainfo", ["CLibcrypto", "CLeafHash"]),
        module("PeerProtocol", ["Metainfo", "TrackerProtocol", .nioCore]),
        module("TrackerProtocol", ["Metainfo"]),
        module("ImageHeaders", []),
        module("AuditTrail", ["Metainfo"]),
        module("Exposition", []),
        module("Amounts", []),
        module("Diagnosis", ["Amounts"]),
        module("FleetProtocol", ["Metainfo"]),
        module("FleetAgent", ["Metainfo", "FleetProtocol"]),
        module("Trust", ["Metainfo", .crypto, .asn1]),
        module("FleetIdentity", [.x509, .crypto, .asn1, .nioCore, .nioSSL]),
        // Every decision of a download: no I/O.
        module("Swarm", ["Metainfo", "PeerProtocol", "TrackerProtocol", .deque]),
        // Effects at the edges.
        .systemLibrary(name: "CLinuxFiles"),
        module("FileLayer", ["CLinuxFiles"]),
        module("ImageStore", ["Metainfo", "FileLayer"]),
        module("ToolLayer", []),
        module("DeviceLayer", ["ToolLayer"]),
        module("CloneLayer", ["Metainfo", "FileLayer", "ImageHeaders", "ToolLayer", "DeviceLayer"]),
        module("CloneProbe", ["CloneLayer", "ToolLayer"]),
        module("MasterLint", ["FileLayer", "ToolLayer"]),
        module("CloneBench", ["Metainfo", "FileLayer", "CloneLayer", .subprocess, .systemPackage]),
        module("Supervision", ["Exposition", .logging]),
        .systemLibrary(name: "CLinuxPriority"),
        module("ConnectionGate", [.hummingbirdCore, .nioCore, .httpParts, .logging]),
        module(
            "PeerTransport",
            [
                "Metainfo", "PeerProtocol", "TrackerProtocol", "Swarm", "FleetIdentity", .nioCore, .nioPosix, .nioTLS,
                .nioHTTP1, .httpClient,
            ]),
        module(
            "PeerService",
            [
                "Metainfo", "TrackerProtocol", "PeerProtocol", "FleetProtocol", "Swarm", "Trust", "AuditTrail",
                "FileLayer",
                "ImageStore",
                "CloneLayer", "CloneProbe", "ImageHeaders", "ToolLayer", "MasterLint", "PeerTransport", "FleetIdentity",
                "FleetAgent", "ConnectionGate", "CLinuxPriority", "Amounts", "Diagnosis", "Exposition", "Supervision",
                .nioCore,
                .nioPosix,
                .nioHTTP1, .nioSSL,
                .logging,
                .hummingbird,
                .hummingbirdCore, .httpTypes, .httpClient,
            ]),
        program(
            "drover",
            [
                "Amounts", "Diagnosis", "Metainfo", "TrackerProtocol", "FleetProtocol", "Trust", "AuditTrail",
                "FileLayer", "ToolLayer",
                "ImageStore",
                "CloneLayer",
                "CloneBench",
                "MasterLint", "PeerService", "Simulator", "Supervision", .nioCore, .nioPosix, .arguments,
                .logging,
            ]),
        module(
            "Simulator",
            ["Metainfo", "PeerProtocol", "TrackerProtocol", "Swarm", "TrackerCore", "RolloutCore", .nioCore]),

        // The tracker.
        module("RolloutCore", path: "tracker/Sources/RolloutCore", []),
        module(
            "FleetService", path: "tracker/Sources/FleetService",
            ["Metainfo", "TrackerProtocol", "Trust", "FleetProtocol", "RolloutCore", "TrackerStorage"]),
        .systemLibrary(name: "CLinuxSockets", path: "tracker/Sources/CLinuxSockets"),
        module("TrackerCore", path: "tracker/Sources/TrackerCore", ["Metainfo", "TrackerProtocol"]),
        .target(
            name: "Console", dependencies: ["Amounts", "FleetProtocol"], path: "tracker/Sources/Console",
            resources: [.embedInCode("Assets/console.css"), .embedInCode("Assets/console.js")],
            swiftSettings: strict),
        module("OperatorAccess", path: "tracker/Sources/OperatorAccess", ["Metainfo"]),
        module(
            "TrackerStorage", path: "tracker/Sources/TrackerStorage",
            ["Metainfo", "TrackerProtocol", "AuditTrail", "OperatorAccess"]),
        module(
            "SqliteStorage", path: "tracker/Sources/SqliteStorage",
            ["Metainfo", "TrackerProtocol", "AuditTrail", "OperatorAccess", "TrackerStorage", .grdb]),
        module(
            "TrackerService", path: "tracker/Sources/TrackerService",
            [
                "Metainfo", "TrackerProtocol", "TrackerCore", "FleetProtocol", "FleetService", "Trust", "AuditTrail",
                "OperatorAccess", "TrackerStorage", "FleetIdentity", "ConnectionGate", "CLinuxSockets", "Exposition",
                "Supervision", "Console",
                .hummingbird,
                .hummingbirdCore, .httpTypes,
                .nioCore, .nioHTTP1,
                .nioPosix, .logging, .lifecycle, .unixSignals,
            ]),
        program(
            "drover-tracker", path: "tracker/Sources/drover-tracker",
            [
                "Metainfo", "TrackerProtocol", "TrackerService", "FleetService", "AuditTrail", "OperatorAccess",
                "TrackerStorage", "SqliteStorage", "FleetIdentity", "Trust", "Supervision", .arguments, .logging,
            ]),

        // What benchmarks measure with.
        program(
            "tracker-load", path: "Tests/Benchmarks/TrackerLoad",
            [
                "Metainfo", "TrackerProtocol", "FleetProtocol", "TrackerStorage", "SqliteStorage", "CLinuxSockets",
                .arguments,
            ]),

        program(
            "swarm-load", path: "Tests/Benchmarks/SwarmLoad",
            ["Metainfo", "TrackerProtocol", "PeerProtocol", "Swarm", .arguments, .nioCore]),

        // Tests.
        support("TestSupport", path: "Tests/TestSupport", ["Metainfo", "FileLayer", "ImageHeaders"]),
        // What the fuzzer runs, and the tests that run its corpora and findings again.
        support(
            "FuzzTargets", path: "Tests/Fuzzing/Targets",
            [
                "Metainfo", "TrackerProtocol", "PeerProtocol", "Swarm", "TrackerCore", "Trust", "FileLayer",
                "ImageStore",
                "CloneLayer", "MasterLint", "ImageHeaders", "TestSupport", .nioCore,
            ]),
        tests("FuzzTargetsTests", ["FuzzTargets"]),
        tests("MetainfoTests", ["Metainfo", "TestSupport"]),
        tests("PeerProtocolTests", ["Metainfo", "TrackerProtocol", "PeerProtocol", .nioCore]),
        tests("AuditTrailTests", ["AuditTrail"]),
        tests("ExpositionTests", ["Exposition"]),
        tests("DiagnosisTests", ["Amounts", "Diagnosis"]),
        tests("FleetProtocolTests", ["Metainfo", "FleetProtocol"]),
        tests("FleetAgentTests", ["Metainfo", "FleetProtocol", "FleetAgent"]),
        tests(
            "PeerServiceTests",
            [
                "Metainfo", "TrackerProtocol", "FleetProtocol", "ImageStore", "PeerService", "PeerTransport",
                "TestSupport", "Trust", "ConnectionGate", "CLinuxPriority", .nioCore, .nioPosix, .hummingbird,
                .httpTypes, .logging,
            ]),
        tests("TrustTests", ["Metainfo", "Trust"]),
        tests("FleetIdentityTests", ["FleetIdentity", .x509, .crypto, .asn1]),
        tests("TrackerProtocolTests", ["Metainfo", "TrackerProtocol"]),
        tests("ImageHeadersTests", ["ImageHeaders", "CloneLayer", "TestSupport"]),
        tests("SwarmTests", ["Metainfo", "PeerProtocol", "TrackerProtocol", "Swarm"]),
        tests("FileLayerTests", ["FileLayer", "TestSupport"]),
        tests("ImageStoreTests", ["Metainfo", "FileLayer", "ImageStore", "TestSupport"]),
        tests("ToolLayerTests", ["ToolLayer"]),
        tests("SupervisionTests", ["Supervision", .logging]),
        tests("DeviceLayerTests", ["DeviceLayer", "ToolLayer"]),
        tests(
            "ConnectionGateTests",
            ["ConnectionGate", .hummingbird, .hummingbirdCore, .nioCore, .nioPosix, .logging]),
        tests(
            "CloneLayerTests",
            ["Metainfo", "FileLayer", "ToolLayer", "DeviceLayer", "CloneLayer", "TestSupport"]),
        tests(
            "CloneProbeTests", ["Metainfo", "FileLayer", "ToolLayer", "CloneLayer", "CloneProbe", "TestSupport"]),
        tests("MasterLintTests", ["FileLayer", "ToolLayer", "MasterLint", "TestSupport"]),
        tests("CloneBenchTests", ["FileLayer", "CloneLayer", "CloneBench", "TestSupport"]),
        tests(
            "PeerTransportTests",
            [
                "Metainfo", "TrackerProtocol", "PeerProtocol", "Swarm", "PeerTransport", "FleetIdentity",
                "ConnectionGate", "TestSupport", .nioCore, .nioPosix, .nioSSL, .hummingbird, .httpTypes, .logging,
            ]),
        tests("SimulationTests", ["Metainfo", "Swarm", "RolloutCore", "Simulator"]),
        tests("EndToEndTests", ["Metainfo", "TestSupport", "FileLayer"]),
        tests("RolloutCoreTests", path: "tracker/Tests/RolloutCoreTests", ["RolloutCore"]),
        tests(
            "TrackerCoreTests", path: "tracker/Tests/TrackerCoreTests", ["Metainfo", "TrackerProtocol", "TrackerCore"]),
        tests("ConsoleTests", path: "tracker/Tests/ConsoleTests", ["Console", "FleetProtocol"]),
        tests(
            "TrackerServiceTests", path: "tracker/Tests/TrackerServiceTests",
            [
                "Trust",
                "Metainfo", "TrackerProtocol", "TrackerCore", "TrackerService", "FleetProtocol", "FleetService",
                "AuditTrail", "OperatorAccess",
                "TrackerStorage", "SqliteStorage", "FleetIdentity", .hummingbird, .hummingbirdTesting, .httpTypes,
                .nioCore, .logging, .subprocess, .systemPackage,
            ]),
        tests(
            "FleetServiceTests", path: "tracker/Tests/FleetServiceTests",
            [
                "Metainfo", "TrackerProtocol", "FleetProtocol", "FleetAgent", "RolloutCore", "FleetService",
                "TrackerStorage",
                "Trust", "SqliteStorage", "TestSupport",
            ]),
        tests("OperatorAccessTests", path: "tracker/Tests/OperatorAccessTests", ["Metainfo", "OperatorAccess"]),
        tests(
            "TrackerStorageTests", path: "tracker/Tests/TrackerStorageTests",
            [
                "Metainfo", "TrackerProtocol", "AuditTrail", "OperatorAccess", "TrackerStorage", "SqliteStorage",
                "TestSupport", .grdb,
            ]),
    ] + fuzzer,
    swiftLanguageModes: [.v6]
)

// swift-tools-version: 6.2
import PackageDescription

/// One list of settings for all our targets.
let ours: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // Our rooms are many small targets: in a release their walls cost nothing.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")

let package = Package(
    name: "throughline",
    products: [.executable(name: "throughline", targets: ["throughline"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // The words, and what the world is reached through.
        .target(
            name: "CSimdJSON",
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]),
        .target(name: "Model", dependencies: ["CSimdJSON"], swiftSettings: ours),
        .target(name: "Seams", dependencies: ["Model"], swiftSettings: ours),
        .target(
            name: "Settings",
            dependencies: ["Model", .product(name: "Yams", package: "Yams")],
            swiftSettings: ours),

        // The street, in the order of the journey.
        .target(name: "Journal", dependencies: ["Model", "Settings", crypto], swiftSettings: ours),
        .target(
            name: "Intake",
            dependencies: ["Model", "Seams", "Settings", "Journal", crypto, logging, lifecycle],
            swiftSettings: ours),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        // One call of SQLite that Swift cannot make: its parameters vary.
        .target(name: "CSQLiteSetup", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "JournalSQLite",
            dependencies: [
                "CLZ4", "CSQLiteSetup", "Model", "Seams", "Settings", "Journal",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: ours),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(
            name: "JournalPostgres", dependencies: ["CPostgres", "Model", "Seams", "Settings", "Journal"],
            swiftSettings: ours),
        .target(
            name: "Planning",
            dependencies: ["Model", "Seams", "Settings", "Journal", "ConnectorKit", logging, lifecycle],
            swiftSettings: ours),
        .target(
            name: "Jobs",
            dependencies: ["Model", "Seams", "Settings", "Journal", "ConnectorKit", logging, lifecycle],
            swiftSettings: ours),
        .target(
            name: "ConnectorKit",
            dependencies: ["Model", "Seams", "Settings", "Journal"],
            path: "Sources/Connectors/Kit",
            swiftSettings: ours),
        .target(
            name: "Connectors",
            dependencies: ["Model", "Seams", "Settings", "Journal", "ConnectorKit", crypto],
            path: "Sources/Connectors",
            exclude: ["Kit"],
            swiftSettings: ours),

        .target(
            name: "Reconciliation",
            dependencies: ["Model", "Seams", "Settings", "Journal", "ConnectorKit", logging, lifecycle],
            swiftSettings: ours),

        // What is read along the street, and its surfaces.
        .target(name: "Trail", dependencies: ["Model", "Journal"], swiftSettings: ours),
        .target(
            name: "Watch", dependencies: ["Model", "Seams", "Settings", "Journal", logging, lifecycle],
            swiftSettings: ours),
        .target(
            name: "API",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "Trail", "Watch", crypto, hummingbird, logging, nio, httpTypes,
            ],
            resources: [.embedInCode("openapi.json"), .embedInCode("throughline.js")],
            swiftSettings: ours),
        .target(
            name: "Console",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "Trail", "Watch", "API", crypto, hummingbird, logging,
                lifecycle,
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            resources: [.embedInCode("Templates"), .embedInCode("Assets")],
            swiftSettings: ours),
        // What goes into the product's own repository: the files, and the migrations that are made for its tables.
        .target(
            name: "SupabaseFiles", path: "supabase",
            exclude: [
                "tests", "functions/stripe-webhook/index.ts", "functions/chat-events/index.ts",
                "functions/health/index.ts",
            ],
            sources: ["Files.swift"],
            resources: [
                .embedInCode("migrations/inbox.sql"), .embedInCode("functions/_shared/throughline.ts"),
                .embedInCode("functions/stripe-webhook/stripe-webhook.ts"),
                .embedInCode("functions/chat-events/chat-events.ts"), .embedInCode("functions/health/health.ts"),
            ],
            swiftSettings: ours),
        .target(name: "Supabase", dependencies: ["SupabaseFiles", "Model", "Settings"], swiftSettings: ours),
        .target(
            name: "Sandbox",
            dependencies: ["Model", "Seams", crypto, hummingbird, logging, lifecycle, nio, httpTypes],
            swiftSettings: ours),
        .target(name: "CMemory"),
        .executableTarget(
            name: "throughline",
            dependencies: [
                "CMemory", "Model", "Seams", "Settings", "Journal", "Intake", "JournalSQLite", "JournalPostgres",
                "Planning", "Jobs", "ConnectorKit", "Connectors", "Reconciliation", "Trail", "Watch", "API", "Console",
                "Supabase",
                "Sandbox", asyncHTTPClient, hummingbird, logging, lifecycle, crypto,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: ours),

        // The engine on virtual time, with faults.
        .target(name: "CFaultyDisk", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "Simulation",
            dependencies: [
                "CFaultyDisk", "Model", "Seams", "Settings", "Journal", "Intake", "JournalSQLite", "Planning", "Jobs",
                "ConnectorKit", "Connectors", "Watch", "Sandbox", crypto, logging, lifecycle,
            ],
            swiftSettings: ours),
        .executableTarget(
            name: "throughline-sim",
            dependencies: [
                "Model", "Seams", "Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: ours),

        // What shows that it holds.
        .testTarget(name: "ModelTests", dependencies: ["Model", "Seams", "TestKit"], swiftSettings: ours),
        .testTarget(name: "SettingsTests", dependencies: ["Model", "Settings", "TestKit"], swiftSettings: ours),
        .testTarget(
            name: "IntakeTests",
            dependencies: ["Model", "Seams", "Settings", "Journal", "Intake", "TestKit", crypto, logging],
            swiftSettings: ours),
        .testTarget(
            name: "JournalContractTests",
            dependencies: [
                "CFaultyDisk", "Model", "Seams", "Settings", "Journal", "JournalSQLite", "JournalPostgres",
                "Simulation", "TestKit", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: ours),
        .testTarget(
            name: "PlanningTests",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "JournalSQLite", "Planning", "ConnectorKit", "TestKit",
                logging,
            ],
            swiftSettings: ours),
        .testTarget(
            name: "JobsTests",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "JournalSQLite", "Jobs", "ConnectorKit", "TestKit", logging,
            ],
            swiftSettings: ours),
        .testTarget(
            name: "ReconciliationTests",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "JournalSQLite", "JournalPostgres", "Intake", "Planning",
                "Jobs", "ConnectorKit", "Connectors", "Reconciliation", "Sandbox", "TestKit", logging, lifecycle,
            ],
            swiftSettings: ours),
        .testTarget(
            name: "ConnectorTests",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "ConnectorKit", "Connectors", "Sandbox", "TestKit", crypto,
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: ours),
        .testTarget(
            name: "SandboxTests",
            dependencies: ["Model", "Seams", "Sandbox", "TestKit", crypto, .product(name: "Yams", package: "Yams")],
            swiftSettings: ours),
        .testTarget(
            name: "SurfaceTests",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "Trail", "Watch", "API", "Console", "TestKit", crypto,
                hummingbird,
                logging, nio, httpTypes,
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: ours),
        .testTarget(
            name: "WatchTests",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "JournalSQLite", "JournalPostgres", "Planning", "ConnectorKit",
                "Watch", "TestKit", logging,
            ],
            swiftSettings: ours),
        .testTarget(
            name: "ConsoleTests",
            dependencies: [
                "Model", "Seams", "Settings", "Journal", "JournalSQLite", "Trail", "Watch", "API", "Console", "TestKit",
                crypto, hummingbird, lifecycle, logging, nio, httpTypes,
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
            ],
            swiftSettings: ours),
        .testTarget(
            name: "SupabaseTests",
            dependencies: ["Model", "Seams", "Journal", "JournalPostgres", "Supabase", "TestKit"], swiftSettings: ours),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Model", "Seams", "Settings", "Connectors", "Sandbox", "TestKit", "throughline", crypto, logging,
                lifecycle,
                nio, .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: ours),
        .testTarget(
            name: "SimulationTests", dependencies: ["Model", "Seams", "Simulation", "TestKit"], swiftSettings: ours),
        .testTarget(name: "TidyTests", dependencies: ["TestKit"], swiftSettings: ours),
        .target(
            name: "TestKit", dependencies: ["Model", "Seams", "Settings", "Journal"], path: "Tests/TestKit",
            swiftSettings: ours),
    ],
    cxxLanguageStandard: .cxx17
)

// Only `script/threads` builds with this one: the thread sanitizer does not see the standard library's locks on Linux.
if Context.environment["THROUGHLINE_THREADS_BUILD"] != nil {
    for target in package.targets where target.swiftSettings != nil {
        target.dependencies.append("VisibleLocks")
        target.swiftSettings?.append(.unsafeFlags(["-module-alias", "Synchronization=VisibleLocks"]))
    }
    package.targets.append(.target(name: "VisibleLocks", path: "Tests/VisibleLocks"))
}

// Only `script/fuzz` builds this one: libFuzzer brings its own main.
if Context.environment["THROUGHLINE_FUZZ_BUILD"] != nil {
    package.targets += [
        .target(name: "CFuzzDriver", path: "Fuzz/Driver"),
        .executableTarget(
            name: "throughline-fuzz", dependencies: ["CFuzzDriver", "Model", "Seams", "Settings", "Intake", "API"],
            path: "Fuzz/Harness", swiftSettings: ours),
    ]
}

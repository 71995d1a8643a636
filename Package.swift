// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every Swift target; see CONTRIBUTING.md.
let houseSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]

/// Release builds of the loops do not check exclusive access at run time.
///
/// The check was half of a frame's cost (ARCHITECTURE.md). Debug builds, and so all tests and sanitizers, have it.
let hotPathSettings: [SwiftSetting] = [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

let package = Package(
    name: "timingle",
    products: [
        .executable(name: "timingle", targets: ["TimingleServer"])
    ],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CPostgres"),
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CNats"),
        .target(
            name: "TimingleNet",
            dependencies: ["CLinux", "COpenSSL", "CZlib"],
            swiftSettings: houseSettings + hotPathSettings
        ),
        .target(
            name: "TimingleCQL",
            dependencies: ["TimingleNet"],
            swiftSettings: houseSettings
        ),
        .target(
            name: "TimingleCore",
            dependencies: ["TimingleCQL", "TimingleNet", "CPostgres", "CHiredis", "CNats", "COpenSSL"],
            swiftSettings: houseSettings
        ),
        .executableTarget(
            name: "TimingleServer",
            dependencies: ["TimingleCore", "TimingleNet"],
            swiftSettings: houseSettings
        ),
        .executableTarget(
            name: "BareListener",
            dependencies: ["TimingleNet"],
            path: "Benchmarks/BareListener",
            swiftSettings: houseSettings
        ),
        .executableTarget(
            name: "CQLBench",
            dependencies: ["TimingleCQL", "TimingleNet"],
            path: "Benchmarks/CQLBench",
            swiftSettings: houseSettings
        ),
        .target(
            name: "TimingleTestSupport",
            dependencies: ["CLinux", "COpenSSL", "TimingleCore", "TimingleNet"],
            path: "Tests/TimingleTestSupport",
            swiftSettings: houseSettings
        ),
        .testTarget(
            name: "TimingleCoreTests",
            dependencies: ["TimingleCQL", "TimingleCore", "TimingleNet", "TimingleTestSupport"],
            exclude: ["Fixtures"],
            swiftSettings: houseSettings
        ),
        .testTarget(
            name: "TimingleServerTests",
            dependencies: ["TimingleCore", "TimingleNet", "TimingleServer", "TimingleTestSupport"],
            swiftSettings: houseSettings
        ),
        .testTarget(
            name: "FuzzTests",
            dependencies: ["TimingleCQL", "TimingleNet", "TimingleTestSupport"],
            path: "Fuzz",
            exclude: ["Corpus", "Entry"],
            swiftSettings: houseSettings
        ),
    ]
)

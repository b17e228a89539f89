// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors in this package's own targets; SwiftPM drops the setting when the package is a dependency.
let strictSwift: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "EMLLM",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "EMLLMCore", targets: ["EMLLMCore"]),
        .library(name: "SelfEvalDecode", targets: ["SelfEvalDecode"]),
        .executable(name: "emllm-run", targets: ["emllm-run"]),
        .executable(name: "emllm-bench", targets: ["emllm-bench"]),
        .executable(name: "emllm-convert", targets: ["emllm-convert"]),
        .executable(name: "emllm-eval", targets: ["emllm-eval"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/ordo-one/TextTable", from: "0.0.2"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        // MARK: Floor 1: buffers, quantized blocks, threads, SIMD, BLAS
        .systemLibrary(
            name: "COpenBLAS",
            path: "Sources/CTensor/SystemLibraries/COpenBLAS",
            pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]
        ),
        .target(
            name: "CTensor",
            dependencies: ["COpenBLAS"],
            exclude: ["SystemLibraries"],
            cSettings: strictC
        ),
        // MARK: Floor 2: weights, tokenizer, templates, transformer, cache, sampling, sessions
        // SHA-256 on Linux; Apple's systems have CryptoKit. A Swift package would compile BoringSSL for one function.
        .systemLibrary(
            name: "COpenSSL",
            path: "Sources/EMLLMCore/SystemLibraries/COpenSSL",
            pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(
            name: "CPNG",
            path: "Sources/EMLLMCore/SystemLibraries/CPNG",
            pkgConfig: "libpng",
            providers: [.apt(["libpng-dev"]), .brew(["libpng"])]
        ),
        .systemLibrary(
            name: "CJPEG",
            path: "Sources/EMLLMCore/SystemLibraries/CJPEG",
            pkgConfig: "libjpeg",
            // Debian's package behind it is libjpeg62-turbo-dev, Ubuntu's has another name.
            providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]
        ),
        // The two libraries' error jumps end here, in C.
        .target(
            name: "CImageCodecs",
            dependencies: ["CPNG", "CJPEG"],
            path: "Sources/EMLLMCore/CImageCodecs",
            cSettings: strictC
        ),
        .target(
            name: "EMLLMCore",
            dependencies: [
                "CTensor",
                "CImageCodecs",
                .target(name: "COpenSSL", condition: .when(platforms: [.linux])),
                .product(name: "Collections", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["SystemLibraries", "CImageCodecs"],
            swiftSettings: strictSwift
        ),
        // MARK: Floor 3: steps, verdicts, budgets, traces
        .target(
            name: "SelfEvalDecode",
            dependencies: ["EMLLMCore", .product(name: "Yams", package: "Yams")],
            exclude: ["Evaluation"],
            swiftSettings: strictSwift
        ),
        // MARK: Floor 4: command-line tools
        .target(
            name: "CLIShared",
            dependencies: [
                "EMLLMCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/cli/Shared",
            // The model that the tools take when none is named.
            resources: [.copy("Models")],
            swiftSettings: strictSwift
        ),
        // The options of the tools that reason: which model, how text is written, how it is judged.
        .target(
            name: "DecodeOptions",
            dependencies: ["CLIShared", "SelfEvalDecode"],
            path: "Sources/cli/DecodeOptions",
            swiftSettings: strictSwift
        ),
        // Traces as trees in a terminal and as pages for a browser.
        .target(
            name: "TraceView",
            dependencies: ["CLIShared", "SelfEvalDecode"],
            path: "Sources/cli/TraceView",
            swiftSettings: strictSwift
        ),
        // Problem sets, scoring rules, statistics, plots and reports.
        .target(
            name: "Evaluation",
            dependencies: ["EMLLMCore"],
            path: "Sources/SelfEvalDecode/Evaluation",
            exclude: ["Rules/README.md"],
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm-eval",
            dependencies: ["DecodeOptions", "Evaluation", "TraceView"],
            path: "Sources/cli/Eval",
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm-run",
            dependencies: ["DecodeOptions", "TraceView"],
            path: "Sources/cli/Run",
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm-bench",
            dependencies: ["CLIShared", .product(name: "TextTable", package: "TextTable")],
            path: "Sources/cli/Bench",
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm-convert",
            dependencies: ["CLIShared", .product(name: "TextTable", package: "TextTable")],
            path: "Sources/cli/Convert",
            swiftSettings: strictSwift
        ),
        // The program in the README, compiled so that it stays true.
        .executableTarget(
            name: "ask",
            dependencies: ["EMLLMCore"],
            path: "Examples/Ask",
            swiftSettings: strictSwift
        ),
        // A strategy and a checker of a program's own.
        .executableTarget(
            name: "custom-strategy",
            dependencies: ["EMLLMCore", "SelfEvalDecode"],
            path: "Examples/CustomStrategy",
            swiftSettings: strictSwift
        ),
        // MARK: Tests
        .testTarget(
            name: "CTensorTests",
            dependencies: ["CTensor"],
            exclude: ["Fixtures"],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "EMLLMCoreTests",
            dependencies: ["EMLLMCore", .product(name: "Logging", package: "swift-log")],
            resources: [.copy("Fixtures")],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "SelfEvalDecodeTests",
            dependencies: ["SelfEvalDecode"],
            exclude: ["Fixtures"],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "EvaluationTests",
            dependencies: ["Evaluation"],
            resources: [.copy("Fixtures")],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "CLITests",
            dependencies: [
                "CLIShared", "SelfEvalDecode", "TraceView", "emllm-run", "emllm-bench", "emllm-convert", "emllm-eval",
                "ask",
                "custom-strategy",
            ],
            swiftSettings: strictSwift
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

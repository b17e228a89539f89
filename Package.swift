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
        .library(name: "EMLLMModelStore", targets: ["EMLLMModelStore"]),
        .library(name: "EMLLMChatTemplates", targets: ["EMLLMChatTemplates"]),
        .library(name: "EMLLMTokenizers", targets: ["EMLLMTokenizers"]),
        .library(name: "EMLLMPictures", targets: ["EMLLMPictures"]),
        .library(name: "EMLLMFormats", targets: ["EMLLMFormats"]),
        .library(name: "EMLLMMath", targets: ["EMLLMMath"]),
        .library(name: "SelfEvalDecode", targets: ["SelfEvalDecode"]),
        .library(name: "EMLLMEvaluation", targets: ["EMLLMEvaluation"]),
        .executable(name: "emllm", targets: ["emllm"]),
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
    ],
    targets: [
        // MARK: Floor 1: buffers, quantized blocks, threads, SIMD, BLAS
        .systemLibrary(
            name: "COpenBLAS",
            path: "Sources/CTensor/SystemLibraries/COpenBLAS",
            pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"])]
        ),
        // On Apple's systems Accelerate stands in for OpenBLAS. Nobody has built that yet.
        .target(
            name: "CTensor",
            dependencies: [.target(name: "COpenBLAS", condition: .when(platforms: [.linux]))],
            exclude: ["SystemLibraries"],
            cSettings: strictC + [.define("ACCELERATE_NEW_LAPACK", .when(platforms: [.macOS]))],
            linkerSettings: [.linkedFramework("Accelerate", .when(platforms: [.macOS]))]
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
        // Errors, files and bytes, digests, JSON, random numbers: what the modules above share.
        .target(
            name: "EMLLMSupport",
            dependencies: [.target(name: "COpenSSL", condition: .when(platforms: [.linux]))],
            path: "Sources/EMLLMCore/Support",
            swiftSettings: strictSwift
        ),
        // Conversations to prompts; usable without the engine, as are the next three.
        .target(
            name: "EMLLMChatTemplates",
            dependencies: ["EMLLMSupport"],
            path: "Sources/EMLLMCore/ChatTemplates",
            swiftSettings: strictSwift
        ),
        .target(
            name: "EMLLMTokenizers",
            // The one heap, without the rest of that package.
            dependencies: ["EMLLMSupport", .product(name: "HeapModule", package: "swift-collections")],
            path: "Sources/EMLLMCore/Tokenizers",
            swiftSettings: strictSwift
        ),
        .target(
            name: "EMLLMPictures",
            dependencies: ["EMLLMSupport", "CImageCodecs", .product(name: "Logging", package: "swift-log")],
            path: "Sources/EMLLMCore/Pictures",
            swiftSettings: strictSwift
        ),
        .target(
            name: "EMLLMFormats",
            dependencies: ["EMLLMSupport", "EMLLMTokenizers", "EMLLMPictures", "CTensor"],
            path: "Sources/EMLLMCore/ModelFormats",
            swiftSettings: strictSwift
        ),
        // The engine itself, which re-exports the modules that it is made of.
        .target(
            name: "EMLLMCore",
            dependencies: [
                "CTensor", "EMLLMSupport", "EMLLMChatTemplates", "EMLLMTokenizers", "EMLLMPictures", "EMLLMFormats",
            ],
            exclude: [
                "SystemLibraries", "CImageCodecs", "Support", "ChatTemplates", "Tokenizers", "Pictures", "ModelFormats",
                "ModelStore",
            ],
            swiftSettings: strictSwift
        ),
        // Models by name, and the one that comes with the package.
        .target(
            name: "EMLLMModelStore",
            dependencies: ["EMLLMCore"],
            path: "Sources/EMLLMCore/ModelStore",
            resources: [.copy("Models")],
            swiftSettings: strictSwift
        ),
        // MARK: Floor 3: steps, verdicts, budgets, traces
        // Values and equations as models and people write them; knows no model.
        .target(
            name: "EMLLMMath",
            path: "Sources/SelfEvalDecode/Mathematics",
            swiftSettings: strictSwift
        ),
        .target(
            name: "SelfEvalDecode",
            dependencies: ["EMLLMCore", "EMLLMMath", .product(name: "Yams", package: "Yams")],
            exclude: ["Evaluation", "Mathematics"],
            swiftSettings: strictSwift
        ),
        // MARK: Floor 4: command-line tools
        .target(
            name: "CLIShared",
            dependencies: [
                "EMLLMCore", "EMLLMModelStore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/cli/Shared",
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
        // Problem sets, scoring rules, statistics, plots and reports; runs over problems, fits of scores, training records.
        .target(
            name: "EMLLMEvaluation",
            dependencies: ["SelfEvalDecode"],
            path: "Sources/SelfEvalDecode/Evaluation",
            exclude: ["Rules/README.md"],
            swiftSettings: strictSwift
        ),
        // The verbs, each a library with its commands: once for `emllm`, once for the program of its own name.
        .target(
            name: "RunTool",
            dependencies: ["DecodeOptions", "TraceView"],
            path: "Sources/cli/Run",
            swiftSettings: strictSwift
        ),
        .target(
            name: "EvalTool",
            dependencies: [
                "DecodeOptions", "EMLLMEvaluation", .product(name: "TextTable", package: "TextTable"),
            ],
            path: "Sources/cli/Eval",
            swiftSettings: strictSwift
        ),
        .target(
            name: "BenchTool",
            dependencies: ["CLIShared", .product(name: "TextTable", package: "TextTable")],
            path: "Sources/cli/Bench",
            swiftSettings: strictSwift
        ),
        .target(
            name: "ConvertTool",
            dependencies: ["CLIShared", "SelfEvalDecode", .product(name: "TextTable", package: "TextTable")],
            path: "Sources/cli/Convert",
            swiftSettings: strictSwift
        ),
        .target(
            name: "ChatTool",
            dependencies: ["CLIShared"],
            path: "Sources/cli/Chat",
            swiftSettings: strictSwift
        ),
        .target(
            name: "ModelsTool",
            dependencies: ["CLIShared", .product(name: "TextTable", package: "TextTable")],
            path: "Sources/cli/Models",
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm",
            dependencies: ["CLIShared", "RunTool", "ChatTool", "ModelsTool", "ConvertTool", "BenchTool", "EvalTool"],
            path: "Sources/cli/Programs/emllm",
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm-run",
            dependencies: ["RunTool"],
            path: "Sources/cli/Programs/emllm-run",
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm-eval",
            dependencies: ["CLIShared", "EvalTool"],
            path: "Sources/cli/Programs/emllm-eval",
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm-bench",
            dependencies: ["CLIShared", "BenchTool"],
            path: "Sources/cli/Programs/emllm-bench",
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "emllm-convert",
            dependencies: ["CLIShared", "ConvertTool"],
            path: "Sources/cli/Programs/emllm-convert",
            swiftSettings: strictSwift
        ),
        // The program in the README, compiled so that it stays true.
        .executableTarget(
            name: "solve",
            dependencies: ["EMLLMModelStore", "SelfEvalDecode"],
            path: "Examples/Solve",
            swiftSettings: strictSwift
        ),
        // The program in the article about sessions and logits.
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
            name: "EMLLMChatTemplatesTests",
            dependencies: ["EMLLMChatTemplates"],
            exclude: ["Fixtures"],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "EMLLMCoreTests",
            dependencies: ["EMLLMCore", "CTensor", .product(name: "Logging", package: "swift-log")],
            resources: [.copy("Fixtures")],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "EMLLMMathTests",
            dependencies: ["EMLLMMath"],
            exclude: ["Fixtures"],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "SelfEvalDecodeTests",
            dependencies: ["SelfEvalDecode", "EMLLMModelStore"],
            exclude: ["Fixtures"],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "EvaluationTests",
            dependencies: ["EMLLMEvaluation"],
            resources: [.copy("Fixtures")],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "CLITests",
            dependencies: [
                "CLIShared", "ChatTool", "EMLLMEvaluation", "TraceView", "emllm", "emllm-run", "emllm-bench",
                "emllm-convert", "emllm-eval", "ask", "custom-strategy", "solve",
            ],
            swiftSettings: strictSwift
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

extension Package {
    /// Leaves these test targets, what they need, and nothing else.
    func keepOnly(testTargets names: [String]) {
        var needed = Set(names), packages: Set<String> = []
        var unread = names
        while let name = unread.popLast() {
            guard let target = targets.first(where: { $0.name == name }) else {
                preconditionFailure("EMLLM_TEST_TARGETS: expected names of targets, found '\(name)'")
            }
            for dependency in target.dependencies {
                switch dependency {
                case .targetItem(let name, _), .byNameItem(let name, _):
                    if needed.insert(name).inserted { unread.append(name) }
                case .productItem(_, let package, _, _):
                    if let package { packages.insert(package) }
                @unknown default:
                    continue
                }
            }
        }
        targets.removeAll { !needed.contains($0.name) }
        products = []
        dependencies.removeAll { dependency in
            guard case .sourceControl(_, let location, _) = dependency.kind else { return false }
            return !packages.contains { location.hasSuffix("/" + $0) }
        }
    }
}

// `swift test` compiles every target of the package that it runs in. With EMLLM_TEST_TARGETS="A B" it is only what those
// test targets need: scripts/fuzz, which compiles all of it once more for a sanitizer, takes minutes less.
if let names = Context.environment["EMLLM_TEST_TARGETS"], !names.isEmpty {
    package.keepOnly(testTargets: names.split(separator: " ").map(String.init))
}

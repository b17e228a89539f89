import Foundation
import Testing

/// A finished run of a program.
struct ProgramRun {
    let status: Int32
    let output: String
    let errors: String

    /// Lines on standard error; an error must be one.
    var errorLines: [Substring] { errors.split(separator: "\n") }
}

/// The programs of this package, run as a user would.
enum Program {
    /// The committed model of 260,000 parameters.
    static let stories260K = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures/stories260K/stories260K-f32.gguf").path(percentEncoded: false)

    /// A program that was built along with these tests.
    static func url(_ name: String) -> URL {
        (Bundle.main.executableURL ?? URL(filePath: CommandLine.arguments[0])).deletingLastPathComponent()
            .appending(path: name)
    }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - program: the executable.
    ///   - arguments: its arguments.
    ///   - input: what it reads from standard input.
    ///   - environment: variables on top of this process's own; an empty value removes one.
    ///   - output: where its output goes instead of into the result.
    ///   - whileRunning: called once it runs.
    static func run(
        _ program: URL,
        _ arguments: [String],
        input: Data = Data(),
        environment: [String: String] = [:],
        output: FileHandle? = nil,
        whileRunning: (Process) throws -> Void = { _ in }
    ) throws -> ProgramRun {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.filter { !$1.isEmpty }
        let inputPipe = Pipe()
        let outputPipe = Pipe()
        let errorPipe = Pipe()
        process.standardInput = inputPipe
        if let output { process.standardOutput = output } else { process.standardOutput = outputPipe }
        process.standardError = errorPipe
        try process.run()
        // Input and errors are far smaller than a pipe's buffer, so nothing here can block.
        try inputPipe.fileHandleForWriting.write(contentsOf: input)
        try inputPipe.fileHandleForWriting.close()
        try whileRunning(process)
        let text = output == nil ? outputPipe.fileHandleForReading.readDataToEndOfFile() : Data()
        let errors = errorPipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return ProgramRun(
            status: process.terminationStatus,
            output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self)
        )
    }
}

/// A folder that goes away with its owner.
final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "emllm-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { name.isEmpty ? url.path : url.appending(path: name).path }
    func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
}

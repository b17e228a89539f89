import CLIShared
import Foundation

/// Lines from standard input: edited with a history on a terminal, plain otherwise.
final class LineReader {
    /// What is shown before a line on a terminal.
    private let prompt: String
    private let editor: LineEditor?
    private let isInteractive: Bool
    /// What was read behind the last line.
    private var rest = Data()

    /// - Parameter isInteractive: whether a person types the lines.
    init(prompt: String, isInteractive: Bool, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.prompt = prompt
        self.isInteractive = isInteractive
        // A dumb terminal cannot move its cursor, so nothing can be edited.
        editor = isInteractive && environment["TERM", default: "dumb"] != "dumb" ? LineEditor() : nil
    }

    /// The next line, without its end; `nil` when there is no more.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be read or is not UTF-8.
    func next() throws -> String? {
        if let editor { return editor.line(prompt: prompt) }
        if isInteractive { try StandardStreams.write(prompt) }
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = rest[..<end]
                rest = Data(rest[(end + 1)...])
                return try StandardStreams.text(Data(line.last == UInt8(ascii: "\r") ? line.dropLast() : line))
            }
            // What is there now: a person, or a program at the other end, waits for the answer to the first line.
            let more = FileHandle.standardInput.availableData
            guard more.isEmpty else {
                rest += more
                continue
            }
            defer { rest = Data() }
            return rest.isEmpty ? nil : try StandardStreams.text(rest)
        }
    }
}

import EMLLMCore
import Foundation

/// Standard input and output, with descriptive errors.
public enum StandardStreams {
    /// Reads all of standard input as text.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be read or is not UTF-8.
    public static func readText(from handle: FileHandle = .standardInput) throws -> String {
        try text(readData(from: handle))
    }

    /// Reads all of standard input.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be read.
    ///
    /// - Parameter most: the maximum number of bytes to read; longer input returns one byte more, so that the caller
    ///   can detect it.
    public static func readData(from handle: FileHandle = .standardInput, atMost most: Int = .max) throws -> Data {
        do {
            return try InputFile.read(handle.fileDescriptor, name: "standard input", atMost: most)
        } catch let error as EMLLMError {
            throw EMLLMError.unreadableInput(error.found)
        }
    }

    /// Decodes bytes as text.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` that names the first byte which is not UTF-8.
    public static func text(_ data: Data) throws -> String {
        if let text = String(validating: data, as: UTF8.self) { return text }
        var decoder = UTF8()
        var bytes = data.makeIterator()
        var valid = 0
        while case .scalarValue(let scalar) = decoder.decode(&bytes) { valid += UTF8.width(scalar) }
        throw EMLLMError.invalidUTF8Input(offset: valid, byte: data[data.startIndex + min(valid, data.count - 1)])
    }

    /// Writes text to standard output immediately.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be written, for example because the disk is full.
    public static func write(_ text: String, to handle: FileHandle = .standardOutput) throws {
        let name = handle.fileDescriptor == STDERR_FILENO ? "standard error" : "standard output"
        try OutputFile.write(Data(text.utf8), to: handle.fileDescriptor, name: name)
    }

    /// Writes a line to standard error, after the name that the program was started by.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be written.
    public static func note(_ text: String) throws {
        let program = CommandLine.arguments.first.map { URL(filePath: $0).lastPathComponent } ?? "emllm"
        try write("\(program): \(text)\n", to: .standardError)
    }

    /// Writes a file so that it appears whole or not at all.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be written; an existing file is then left unchanged.
    public static func write(_ data: Data, atomicallyTo path: String) throws {
        try OutputFile.write(data, atomicallyTo: URL(filePath: path))
    }

    /// Creates a folder, including its parents.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be created.
    public static func makeFolder(_ path: String) throws {
        try OutputFile.makeFolder(URL(filePath: path, directoryHint: .isDirectory))
    }
}

extension EMLLMError.Code {
    /// Input that cannot be read.
    public static let unreadableInput = Self(rawValue: "unreadable-input")
    /// Input that is not UTF-8.
    public static let invalidUTF8Input = Self(rawValue: "invalid-utf8-input")
}

extension EMLLMError {
    static func unreadableInput(_ reason: String) -> EMLLMError {
        EMLLMError(
            code: .unreadableInput,
            subject: "standard input",
            expected: "readable text",
            found: reason,
            remedy: "give the question as an argument"
        )
    }

    static func invalidUTF8Input(offset: Int, byte: UInt8) -> EMLLMError {
        let hexadecimal = String(byte, radix: 16, uppercase: true)
        return EMLLMError(
            code: .invalidUTF8Input,
            subject: "standard input",
            expected: "UTF-8 text",
            found: "byte 0x\(hexadecimal) at offset \(offset)",
            remedy: "convert it, for example with iconv -t UTF-8"
        )
    }
}

import Foundation

/// An error that a user can fix: its subject, what was expected, what was found, and what to do.
///
/// Every part of the library throws this one type. Each kind of defect is a static function in an extension beside the
/// code that detects it, so that the sentence and the check stay together. Programs tell defects apart by ``code``;
/// people read ``description``, which is always a single line.
///
/// ```swift
/// do {
///     let model = try EMLLMModel.load(from: url)
/// } catch let error as EMLLMError where error.code == .fileNotFound {
///     print(error)
/// }
/// ```
public struct EMLLMError: Error, Sendable, Equatable {
    /// The kind of defect, stable across versions.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code's name, in kebab case.
        public let rawValue: String
        /// Makes a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    /// The kind of defect.
    public let code: Code
    /// What was being read or done: a path, a tensor, an option.
    public let subject: String
    /// What a well-formed input would have had.
    public let expected: String
    /// What was there instead.
    public let found: String
    /// What the user can do.
    public let remedy: String

    /// Makes an error. Line breaks and control characters in the parts become escapes, so that a hostile file cannot
    /// write on the user's terminal.
    public init(code: Code, subject: String, expected: String, found: String, remedy: String) {
        self.code = code
        self.subject = Self.singleLine(subject)
        self.expected = Self.singleLine(expected)
        self.found = Self.singleLine(found)
        self.remedy = Self.singleLine(remedy)
    }

    private static func singleLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(400) {
            if scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}" {
                line += scalar.escaped(asASCII: true)
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}

extension EMLLMError: CustomStringConvertible, LocalizedError {
    /// The whole error on one line.
    public var description: String { "\(subject): expected \(expected), found \(found); \(remedy)" }
    /// The same line, for Foundation's error presentation.
    public var errorDescription: String? { description }
}

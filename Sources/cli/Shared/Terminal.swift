import Foundation

/// The capabilities of an output stream: a terminal with its width and colours, or a pipe or file.
public struct Terminal: Sendable, Equatable {
    /// Whether the stream is a terminal.
    public let isInteractive: Bool
    /// Columns; text is wrapped to them.
    public let width: Int
    /// Whether colours may be used.
    public let hasColor: Bool
    /// Whether a line can be overwritten.
    public let hasCursor: Bool

    /// Describes a stream explicitly.
    public init(isInteractive: Bool, width: Int = 80, hasColor: Bool = false) {
        self.isInteractive = isInteractive
        hasCursor = isInteractive
        self.width = width
        self.hasColor = hasColor
    }

    /// Examines a file descriptor. Colours need a terminal that is not "dumb", and `NO_COLOR` must not be set
    /// (no-color.org).
    public init(
        fileDescriptor: Int32,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        isInteractive = isatty(fileDescriptor) == 1
        var size = winsize()
        let isKnown = ioctl(fileDescriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        width = isKnown ? max(Int(size.ws_col), Self.leastWidth) : 80
        hasCursor = isInteractive && environment["TERM"] != "dumb"
        hasColor = hasCursor && environment["NO_COLOR", default: ""].isEmpty
    }

    /// Narrower terminals are treated as this wide.
    public static let leastWidth = 24

    /// Standard output.
    public static var standardOutput: Terminal { Terminal(fileDescriptor: STDOUT_FILENO) }
    /// Standard error.
    public static var standardError: Terminal { Terminal(fileDescriptor: STDERR_FILENO) }

    /// A way to show text.
    public enum Style: String, Sendable {
        /// Emphasized.
        case bold = "1"
        /// Less prominent.
        case dim = "2"
        /// Something is wrong.
        case red = "31"
        /// All is well.
        case green = "32"
        /// Something is doubtful.
        case yellow = "33"
    }

    /// The text in a style, if the stream has colours.
    public func styled(_ text: String, _ style: Style?) -> String {
        guard hasColor, let style, !text.isEmpty else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }

    /// Clears the line and moves the cursor to its beginning.
    public static let clearLine = "\r\u{1B}[2K"
}

/// Text for terminals: width, wrapping, and no control characters.
public enum TerminalText {
    /// The text without control characters, so that a model cannot control the terminal. Line breaks and tabs are kept.
    public static func harmless(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let category = scalar.properties.generalCategory
            let isControl = (category == .control && scalar != "\n" && scalar != "\t") || isBidirectional(scalar)
            result.append(isControl ? "\u{FFFD}" : scalar)
        }
        return String(result)
    }

    /// Overrides of the writing direction can disguise what a line says.
    private static func isBidirectional(_ scalar: Unicode.Scalar) -> Bool {
        (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }

    /// The number of columns of a character: 2 for wide East Asian characters and emoji, otherwise 1.
    public static func width(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if character.unicodeScalars.contains(where: { $0.properties.isEmojiPresentation || $0.value == 0xFE0F }) {
            return 2
        }
        return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }

    /// Approximately the blocks that Unicode's East Asian Width (UAX #11) calls wide or fullwidth.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD,
    ]

    /// The number of columns of a text.
    public static func width(of text: some StringProtocol) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// Breaks text into lines of at most `width` columns, between words if possible.
    ///
    /// White space at either end and blank lines are dropped.
    public static func wrap(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for paragraph in text.split(whereSeparator: \.isNewline) {
            var line = ""
            for word in paragraph.split(whereSeparator: \.isWhitespace) {
                for piece in pieces(of: word, width: width) {
                    if !line.isEmpty, self.width(of: line) + 1 + self.width(of: piece) > width {
                        lines.append(line)
                        line = ""
                    }
                    line += line.isEmpty ? piece : " " + piece
                }
            }
            if !line.isEmpty { lines.append(line) }
        }
        return lines
    }

    /// A word in pieces no wider than a line.
    private static func pieces(of word: Substring, width: Int) -> [String] {
        var pieces = [""]
        var columns = 0
        for character in word {
            let needed = self.width(of: character)
            if columns + needed > width, !pieces[pieces.count - 1].isEmpty {
                pieces.append("")
                columns = 0
            }
            pieces[pieces.count - 1].append(character)
            columns += needed
        }
        return pieces
    }

    /// The end of a text that fits into `width` columns, on one line.
    public static func tail(_ text: String, width: Int) -> String {
        var columns = 0
        let line = text.map { $0.isNewline || $0 == "\t" ? " " : $0 }
        let kept = line.reversed().prefix { character in
            columns += self.width(of: character)
            return columns <= width
        }
        return String(kept.reversed())
    }
}

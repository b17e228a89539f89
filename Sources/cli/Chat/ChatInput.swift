import Foundation

/// A line of a chat: a message for the model, or a command for the program.
enum ChatInput: Equatable {
    case message(String)
    case image(String?)
    case system(String?)
    case save(String?)
    case load(String?)
    case help, reset, stats, quit
    case unknown(String)
    case nothing

    /// Reads a line. A message that begins with a slash is written with two.
    init(_ line: String) {
        let text = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.hasPrefix("/") else {
            self = text.isEmpty ? .nothing : .message(text)
            return
        }
        guard !text.hasPrefix("//") else {
            self = .message(String(text.dropFirst()))
            return
        }
        let parts = text.dropFirst().split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
        let name = parts.first ?? ""
        let argument = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : nil
        switch name {
        case "image": self = .image(argument)
        case "system": self = .system(argument)
        case "save": self = .save(argument)
        case "load": self = .load(argument)
        case "help" where argument == nil: self = .help
        case "reset" where argument == nil: self = .reset
        case "stats" where argument == nil: self = .stats
        case "quit" where argument == nil: self = .quit
        default: self = .unknown(name)
        }
    }

    /// The names of the commands.
    static let names = ["help", "image", "system", "reset", "save", "load", "stats", "quit"]

    /// What the commands do.
    static let commands = """
        /image FILE   show a PNG or JPEG picture with the next message
        /system TEXT  change the system message; without a text, show it
        /reset        forget the conversation; the system message stays
        /save FILE    write the conversation as JSON
        /load FILE    continue a saved conversation
        /stats        what the last answer and the conversation cost
        /help         show this
        /quit         end the program, as Ctrl-D does
        To begin a message with a slash, type two. Ctrl-C stops an answer; at the prompt it ends the program.

        """
}

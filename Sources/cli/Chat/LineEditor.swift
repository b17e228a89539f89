import CLIShared
import Foundation

/// Line editing with a history, by libedit's readline interface where the system has that library.
///
/// The library is looked for when the program runs: most systems have it, none needs its headers to build this package, and
/// its licence (BSD), unlike GNU readline's, asks nothing of those who distribute the program. Without it lines are read
/// plainly, and `rlwrap emllm chat` adds what is missing.
final class LineEditor {
    private typealias ReadLine = @convention(c) (UnsafePointer<CChar>?) -> UnsafeMutablePointer<CChar>?
    private typealias AddHistory = @convention(c) (UnsafePointer<CChar>?) -> Int32

    private let readLine: ReadLine
    private let addHistory: AddHistory

    /// Finds the library; `nil` where there is none, or text is not UTF-8.
    init?() {
        let names = ["libedit.so.2", "libedit.so.0", "libedit.3.dylib"]
        guard let library = names.lazy.compactMap({ dlopen($0, RTLD_LAZY | RTLD_LOCAL) }).first,
            let readLine = dlsym(library, "readline"), let addHistory = dlsym(library, "add_history")
        else { return nil }
        // Editing moves over characters, so the library must know how they are encoded.
        guard setlocale(LC_CTYPE, "") != nil, Self.isUTF8 || setlocale(LC_CTYPE, "C.UTF-8") != nil else { return nil }
        self.readLine = unsafeBitCast(readLine, to: ReadLine.self)
        self.addHistory = unsafeBitCast(addHistory, to: AddHistory.self)
        // Its own handlers are not safe against a signal that comes as a line ends.
        dlsym(library, "rl_catch_signals")?.assumingMemoryBound(to: Int32.self).pointee = 0
        Self.bindEndOfInput(in: library)
    }

    private typealias ParseAndBind = @convention(c) (UnsafePointer<CChar>?) -> Int32
    private typealias Hook = @convention(c) () -> Int32
    /// The library's `rl_parse_and_bind`. Written before the hook that reads it is set.
    nonisolated(unsafe) private static var parseAndBind: ParseAndBind?

    /// Lets a Ctrl-D that was typed early end the input, too.
    ///
    /// The library changes the terminal's mode only after it has shown the prompt. Before that, the kernel takes a Ctrl-D as
    /// an end of input, which reads as a NUL afterwards. The library binds NUL to "quote the next key" (as every special
    /// character that the terminal has disabled), and does so again for each line.
    private static func bindEndOfInput(in library: UnsafeMutableRawPointer) {
        guard let bind = dlsym(library, "rl_parse_and_bind"), let hook = dlsym(library, "rl_pre_input_hook") else {
            return
        }
        parseAndBind = unsafeBitCast(bind, to: ParseAndBind.self)
        hook.assumingMemoryBound(to: Hook?.self).pointee = {
            LineEditor.parseAndBind?("bind ^@ em-delete-or-list") ?? 0
        }
    }

    /// The terminal as it was before a line was edited. Written before the handlers that read it are set.
    nonisolated(unsafe) private static var usualTerminal = termios()

    private static var isUTF8: Bool { String(cString: nl_langinfo(nl_item(CODESET))) == "UTF-8" }

    /// The next line; `nil` at the end of input. It joins the history.
    func line(prompt: String) -> String? {
        // A signal ends the program here, after the terminal was put in order.
        tcgetattr(STDIN_FILENO, &Self.usualTerminal)
        for number in [SIGINT, SIGTERM, SIGHUP] where !Interruption.isIgnored(number) {
            signal(number) { number in
                tcsetattr(STDIN_FILENO, TCSANOW, &LineEditor.usualTerminal)
                signal(number, SIG_DFL)
                raise(number)
            }
        }
        defer {
            for number in [SIGINT, SIGTERM, SIGHUP] where !Interruption.isIgnored(number) { signal(number, SIG_DFL) }
        }
        guard let text = readLine(prompt) else { return nil }
        defer { free(text) }
        let line = String(cString: text)
        if !line.allSatisfy(\.isWhitespace) { _ = addHistory(text) }
        return line
    }
}

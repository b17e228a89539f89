import Synchronization

/// A line on the terminal while pictures are being encoded, which takes seconds. It disappears with the first word of
/// an answer.
public final class EncodingNote: Sendable {
    private let isShown: Mutex<Bool>

    /// Shows the note if there are pictures, and the stream is a terminal.
    public init(pictures: Int, on terminal: Terminal) {
        let shows = pictures > 0 && terminal.hasCursor
        isShown = Mutex(shows)
        guard shows else { return }
        let what = pictures == 1 ? "the picture" : "\(pictures) pictures"
        try? StandardStreams.write("Looking at \(what) …", to: .standardError)
    }

    /// Removes the note.
    public func clear() {
        let wasShown = isShown.withLock { shown in
            defer { shown = false }
            return shown
        }
        if wasShown { try? StandardStreams.write(Terminal.clearLine, to: .standardError) }
    }
}

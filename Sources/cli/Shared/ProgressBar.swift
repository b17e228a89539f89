import Foundation
import Synchronization

/// A bar on standard error that fills as work is done. In a pipe or a log it shows nothing.
///
/// ```swift
/// let bar = ProgressBar("Converting")
/// for (index, part) in parts.enumerated() {
///     work(on: part)
///     bar.update(done: index + 1, of: parts.count)
/// }
/// bar.finish()
/// ```
///
/// Safe to use from several threads.
public final class ProgressBar: Sendable {
    private let label: String
    private let terminal: Terminal
    private let drawn = Mutex<(tenths: Int, note: String, time: ContinuousClock.Instant)?>(nil)

    /// Makes a bar that stays invisible until the first update.
    ///
    /// - Parameter label: What is being done, in a word or two.
    public init(_ label: String) {
        self.label = label
        terminal = Terminal.standardError
    }

    /// Shows how much is done. Cheap enough to call for every piece of work.
    ///
    /// - Parameter note: additional text after the bar, such as the remaining time.
    public func update(done: Int, of total: Int, note: String = "") {
        guard terminal.hasCursor, total > 0 else { return }
        let tenths = Int(1000 * min(1, max(0, Double(done) / Double(total))))
        drawn.withLock { drawn in
            let now = ContinuousClock.now
            if let last = drawn, tenths < 1000 {
                guard last.tenths != tenths || last.note != note, now - last.time >= .milliseconds(40) else { return }
            }
            drawn = (tenths, note, now)
            // The width of the window may have changed since the last update.
            let width = Terminal.standardError.width
            let fraction = Double(tenths) / 1000
            Self.write(
                Terminal.clearLine
                    + Self.line(label: label, fraction: fraction, note: note, width: width, hasColor: terminal.hasColor)
            )
        }
    }

    /// Removes the bar, so that later output starts on an empty line.
    public func finish() {
        drawn.withLock { drawn in
            if drawn != nil { Self.write(Terminal.clearLine) }
            drawn = nil
        }
    }

    /// One line that fits a terminal of `width` columns.
    static func line(label: String, fraction: Double, note: String = "", width: Int, hasColor: Bool) -> String {
        let percent = String(format: "%3.0f %%", (fraction * 100).rounded(.down)) + (note.isEmpty ? "" : "  \(note)")
        // Leave the last column free, since a full line makes some terminals wrap.
        let cells = min(40, width - 1 - label.count - percent.count - 2)
        guard cells >= 5 else { return String("\(label) \(percent)".prefix(max(0, width - 1))) }
        let filled = Int(fraction * Double(cells))
        let full = String(repeating: "█", count: filled)
        let empty = String(repeating: "░", count: cells - filled)
        let bar = hasColor ? "\u{1B}[32m\(full)\u{1B}[2;39m\(empty)\u{1B}[0m" : full + empty
        return "\(label) \(bar) \(percent)"
    }

    private static func write(_ text: String) {
        // Work should continue even if the terminal is gone.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}

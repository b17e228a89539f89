import CLIShared
import EMLLMEvaluation
import Foundation
import Synchronization

/// A bar with an estimate of the time that is left.
final class AnswerProgress: Sendable {
    private let bar = ProgressBar("Answering")
    private let started = ContinuousClock.now
    /// The number of answers that were done at the start.
    private let before = Mutex<Int?>(nil)

    /// Shows how much is done.
    func show(_ completion: EvaluationRun.Completion) {
        let (done, total) = (completion.done, completion.wanted)
        let worked = before.withLock { before in
            defer { before = before ?? done }
            return done - (before ?? done)
        }
        guard worked > 0 else { return bar.update(done: done, of: total) }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        let left = Duration.seconds(seconds / Double(worked) * Double(total - done))
        let units: Set<Duration.UnitsFormatStyle.Unit> =
            left > .seconds(3600) ? [.hours, .minutes] : [.minutes, .seconds]
        let time = left.formatted(.units(allowed: units, width: .narrow, maximumUnitCount: 2))
        bar.update(done: done, of: total, note: "\(done)/\(total), \(time) left")
    }

    /// Removes the bar.
    func finish() { bar.finish() }
}

/// What happens while a question is answered, as it happens.
public enum DecodeEvent: Sendable, Equatable {
    /// Something about the run as a whole.
    case info(Info)
    /// More text of a step that is being written and may yet be replaced. Only while a single candidate is written.
    case draft(step: Int, text: String)
    /// A candidate and its verdict.
    case evaluation(step: Int, Candidate)
    /// No candidate stands yet: so many more are written.
    case revision(step: Int, candidates: Int)
    /// A step stands.
    case step(Step)
    /// A step is taken back.
    case backtrack(Backtrack)
    /// The answer.
    case answer(Answer)

    /// Something about the run as a whole.
    public enum Info: Sendable, Equatable {
        /// The question's prompt is in the cache.
        case started(promptTokens: Int, seconds: Double)
        /// The verdict on a step without content.
        case prior(Verdict)
        /// Reasoning has stopped.
        case reasoningStopped(ReasoningStop)
        /// The run is over; the trace is complete.
        case finished(Trace)
    }
}

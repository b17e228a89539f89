/// A chain that is written as one of a batch, as far as it has come.
public struct ChainProgress: Sendable, Equatable {
    /// Where it stands.
    public var state: State
    /// The text of the answer that it states; `nil` while it is being written, and where it states none and has to be asked.
    public var answer: String?
    /// The lowest mean natural log-probability of any ``SelfEvalOptions/confidenceWindow`` tokens in a row so far: it only
    /// falls. `nil` before there are so many.
    public var windowConfidence: Double?

    /// Where a chain stands.
    public enum State: Sendable, Equatable {
        /// It is being written.
        case writing
        /// It has come to its end.
        case complete
        /// It was ended while it was being written.
        case ended(EarlyEnd)
    }

    /// Describes a chain.
    public init(state: State, answer: String? = nil, windowConfidence: Double? = nil) {
        self.state = state
        self.answer = answer
        self.windowConfidence = windowConfidence
    }
}

/// Why a chain is ended while it is being written.
public enum EarlyEnd: String, Sendable {
    /// Its answer cannot change the result.
    case decided
    /// It is less sure than other chains.
    case pruned

    /// The same for the step that is cut.
    var stepEnd: StepStopReason {
        switch self {
        case .decided: .decided
        case .pruned: .pruned
        }
    }
}

extension StepStopReason {
    /// Why the chain was ended before its time; `nil` where it was not.
    var earlyEnd: EarlyEnd? {
        switch self {
        case .decided: .decided
        case .pruned: .pruned
        default: nil
        }
    }

    /// Whether nothing follows a step that ended so.
    var endsChain: Bool {
        switch self {
        case .endOfTurn, .budget, .loop, .decided, .pruned: true
        default: false
        }
    }
}

extension ReasoningStopReason {
    /// Why the chain was ended before its time; `nil` where it was not.
    var earlyEnd: EarlyEnd? {
        switch self {
        case .decided: .decided
        case .pruned: .pruned
        default: nil
        }
    }
}

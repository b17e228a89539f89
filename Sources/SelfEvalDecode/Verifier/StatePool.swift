import EMLLMCore

/// How the residual stream of a step's tokens is pooled into one vector.
public enum StatePooling: String, Codable, Sendable, CaseIterable {
    /// The mean over the step's tokens.
    case stepMean = "step-mean"
    /// The state of the step's last token.
    case lastToken = "last-token"
    /// The mean over all tokens of the chain, up to the end of the step.
    case chainMean = "chain-mean"
}

/// The pooled residual stream of a step.
package struct PooledStates: Sendable, Equatable {
    /// The width of the residual stream.
    package let width: Int
    /// All numbers, poolings in the order of `StatePooling.allCases`. `[layers, poolings, width]`
    package let values: [Float]

    /// The vector of one pooling behind one layer.
    package subscript(layer place: Int, pooling: StatePooling) -> ArraySlice<Float> {
        let row = place * StatePooling.allCases.count + (StatePooling.allCases.firstIndex(of: pooling) ?? 0)
        return values[(row * width)..<((row + 1) * width)]
    }
}

/// Pools the residual stream of a chain while it is computed.
///
/// Sums are taken token by token, in order, so that they are the same however the tokens were split into passes.
package struct StatePool: Sendable {
    /// Sums over the tokens of all ended steps. `[layers, width]`; empty before the first.
    private var chainSums: [Float] = []
    private var chainCount = 0
    /// The states of tokens whose step has not ended. Each `[layers, width]`
    private var pending: [[Float]] = []

    /// A chain that begins.
    package init() {}

    /// Takes the states of further tokens.
    package mutating func append(_ states: HiddenStates) {
        for token in 0..<states.tokenCount {
            pending.append(states.layers.indices.flatMap { states.row($0, token: token) })
        }
    }

    /// Ends a step after the next `count` tokens that were taken.
    ///
    /// - Parameters:
    ///   - count: the tokens of the step, at most those that are pending.
    ///   - layers: the number of layers.
    /// - Returns: the step's pooled states; `nil` for a step without tokens.
    package mutating func endStep(tokens count: Int, layers: Int) -> PooledStates? {
        precondition(count <= pending.count, "a step has states for its tokens")
        guard count > 0 else { return nil }
        let rows = pending.prefix(count)
        pending.removeFirst(count)
        guard let last = rows.last else { return nil }
        var sums = [Float](repeating: 0, count: last.count)
        for row in rows { for index in sums.indices { sums[index] += row[index] } }
        if chainSums.isEmpty { chainSums = [Float](repeating: 0, count: last.count) }
        for index in sums.indices { chainSums[index] += sums[index] }
        chainCount += count
        let width = last.count / layers
        var values: [Float] = []
        values.reserveCapacity(last.count * StatePooling.allCases.count)
        for layer in 0..<layers {
            let place = (layer * width)..<((layer + 1) * width)
            for pooling in StatePooling.allCases {
                switch pooling {
                case .stepMean: values += sums[place].map { $0 / Float(count) }
                case .lastToken: values += last[place]
                case .chainMean: values += chainSums[place].map { $0 / Float(chainCount) }
                }
            }
        }
        return PooledStates(width: width, values: values)
    }

    /// Forgets tokens that no step has taken.
    package mutating func dropPending() { pending = [] }
}

/// The hidden states of a text, step by step, while it is written.
struct StepStates {
    /// Each ended step's states, and the line up to its end.
    private var ended: [(states: PooledStates?, pool: StatePool)] = []
    private var current: StatePool
    private let start: StatePool
    private var layerCount = 1

    /// A text that begins after a line.
    init(after line: StatePool) {
        start = line
        current = line
    }

    /// The number of steps that have ended here.
    var endedCount: Int { ended.count }

    /// Takes the states of further tokens.
    mutating func append(_ states: HiddenStates) {
        layerCount = states.layers.count
        current.append(states)
    }

    /// Ends those of a text's steps that have not ended here.
    mutating func end(_ steps: [StepNode]) {
        for step in steps.dropFirst(ended.count) {
            let states = current.endStep(tokens: step.tokens.count, layers: layerCount)
            var line = current
            line.dropPending()
            ended.append((states, line))
        }
    }

    /// What a head says after a step; `nil` where it has no tokens.
    func logOdds(of step: Int, by head: VerifierHead) throws -> Double? {
        guard ended.indices.contains(step) else { return nil }
        return try ended[step].states.map { try head.logOdds($0) }
    }

    /// The line up to the end of a step.
    func pool(after step: Int) -> StatePool { ended.indices.contains(step) ? ended[step].pool : start }
}

import EMLLMCore
import Foundation

/// One way of running a model whose speed is measured.
struct SpeedTest {
    enum Kind {
        /// A prompt computed in one call, up to the logits after its last token. llama-bench's `pp`.
        case promptProcessing(tokens: Int)
        /// Tokens computed one by one, starting with an empty cache, without choosing them. llama-bench's `tg`. Several
        /// branches take their steps together, each with a token of its own.
        case generation(tokens: Int, branches: Int)
    }

    let kind: Kind
    /// Weights that one forward pass over single tokens reads, in bytes.
    private let weightBytesPerPass: Int
    /// The tokens to run on. Their choice does not change the work; that they differ keeps any cache honest.
    private let tokens: [TokenID]

    init(_ kind: Kind, model: EMLLMModel) throws {
        self.kind = kind
        weightBytesPerPass = try model.weightBytesPerToken()
        let vocabulary = UInt64(model.configuration.decoder.vocabularySize)
        var state: UInt64 = 1
        tokens = (0..<Self.tokenCount(kind)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407  // Knuth's MMIX constants
            return TokenID((state >> 33) % vocabulary)
        }
    }

    private static func tokenCount(_ kind: Kind) -> Int {
        switch kind {
        case .promptProcessing(let tokens): tokens
        case .generation(let tokens, let branches): tokens * branches
        }
    }

    /// llama-bench's name of the test, followed by the number of branches where there are several.
    var name: String {
        switch kind {
        case .promptProcessing(let tokens): "pp\(tokens)"
        case .generation(let tokens, 1): "tg\(tokens)"
        case .generation(let tokens, let branches): "tg\(tokens)x\(branches)"
        }
    }

    var branches: Int {
        switch kind {
        case .promptProcessing: 1
        case .generation(_, let branches): branches
        }
    }

    /// Tokens computed by one run, over all branches.
    var tokenCount: Int { tokens.count }

    /// Bytes of weights read per second at a rate of tokens; `nil` for prompts, which reuse a weight for many tokens.
    func weightBytesPerSecond(at tokensPerSecond: Double) -> Double? {
        guard case .generation(_, let branches) = kind else { return nil }
        return tokensPerSecond / Double(branches) * Double(weightBytesPerPass)
    }

    /// Runs once and returns tokens per second over all branches.
    func tokensPerSecond(in context: InferenceContext) throws -> Double {
        let clock = ContinuousClock()
        let started = clock.now
        switch kind {
        case .promptProcessing:
            _ = try context.extend(context.makeBranch(), with: tokens)
        case .generation(let count, let width):
            let branches = (0..<width).map { _ in context.makeBranch() }
            for step in 0..<count {
                _ = try context.extend(
                    branches.enumerated().map { index, branch in (branch, [tokens[step * width + index]]) }
                )
            }
        }
        return Double(tokens.count) / ((clock.now - started) / .seconds(1))
    }
}

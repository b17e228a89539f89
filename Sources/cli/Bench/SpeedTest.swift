import EMLLMCore
import Foundation

/// One way of running a model whose speed is measured.
struct SpeedTest {
    enum Kind {
        /// A prompt computed in one call, up to the logits after its last token. llama-bench's `pp`.
        case promptProcessing(tokens: Int)
        /// Tokens computed one by one, starting with an empty cache, and chosen as `choice` says. Without choosing, it
        /// is llama-bench's `tg`. Several branches advance together, each with its own token.
        case generation(tokens: Int, branches: Int, choice: Choice = .none)
    }

    /// How the next token is chosen from the logits.
    enum Choice: String, Encodable {
        /// Not at all: the tokens are known beforehand.
        case none
        /// The likeliest.
        case greedy
        /// A draw at temperature 0.8 with top-p 0.95.
        case sampled

        func sampler() throws -> Sampler? {
            switch self {
            case .none: nil
            case .greedy: try Sampler(GenerationOptions())
            case .sampled:
                try Sampler(
                    GenerationOptions(samplingMode: .random(probabilityThreshold: 0.95, seed: 1), temperature: 0.8)
                )
            }
        }
    }

    let kind: Kind
    /// The bytes of weights that one forward pass over single tokens reads.
    private let weightBytesPerPass: Int
    /// The tokens to run on. Their choice does not change the work; they differ so that no cache can distort the
    /// result.
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
        case .generation(let tokens, let branches, _): tokens * branches
        }
    }

    /// llama-bench's name of the test, followed by the number of branches if there are several, and by how tokens are
    /// chosen if they are.
    var name: String {
        switch kind {
        case .promptProcessing(let tokens): "pp\(tokens)"
        case .generation(let tokens, let branches, let choice):
            "tg\(tokens)" + (branches == 1 ? "" : "x\(branches)") + (choice == .none ? "" : " \(choice.rawValue)")
        }
    }

    var branches: Int {
        switch kind {
        case .promptProcessing: 1
        case .generation(_, let branches, _): branches
        }
    }

    /// How tokens are chosen; `nil` for prompts, whose tokens are given.
    var choice: Choice? {
        guard case .generation(_, _, let choice) = kind else { return nil }
        return choice
    }

    /// The number of tokens computed by one run, over all branches.
    var tokenCount: Int { tokens.count }

    /// Bytes of weights read per second at a given token rate; `nil` for prompts, which reuse a weight for many tokens.
    func weightBytesPerSecond(at tokensPerSecond: Double) -> Double? {
        guard case .generation(_, let branches, _) = kind else { return nil }
        return tokensPerSecond / Double(branches) * Double(weightBytesPerPass)
    }

    /// Runs once and returns tokens per second over all branches.
    func tokensPerSecond(in context: InferenceContext) throws -> Double {
        let sampler = try choice?.sampler()
        let clock = ContinuousClock()
        let started = clock.now
        switch kind {
        case .promptProcessing:
            _ = try context.extend(context.makeBranch(), with: tokens)
        case .generation(let count, let width, _):
            let branches = (0..<width).map { _ in context.makeBranch() }
            var next = Array(tokens[..<width])
            for step in 0..<count {
                let logits = try context.extend(zip(branches, next).map { ($0, [$1]) })
                if let sampler {
                    next = try logits.indices.map {
                        try sampler.sample(logits[$0], branch: UInt64($0), position: step + 1)
                    }
                } else if step + 1 < count {
                    next = Array(tokens[((step + 1) * width)..<((step + 2) * width)])
                }
            }
        }
        return Double(tokens.count) / ((clock.now - started) / .seconds(1))
    }
}

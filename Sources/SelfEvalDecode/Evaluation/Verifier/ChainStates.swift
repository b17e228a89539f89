import EMLLMCore
import Foundation
import SelfEvalDecode

extension InferenceContext {
    /// The pooled hidden states of each step of some chains behind one prompt, as decoding computes them.
    ///
    /// The prompt is computed once, and each chain on a fork of it.
    ///
    /// - Parameters:
    ///   - chains: chains of one problem, written with one view of its pictures. Not empty.
    ///   - layers: the layers.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when a picture cannot be read or is another one, or a chain does not fit.
    func pooledStates(of chains: [LabelledChain], layers: [Int]) throws -> [[PooledStates]] {
        let pictures = try chains[0].images.map {
            try encode(ImageDecoder().decode(contentsOf: $0).shown(inView: chains[0].view))
        }
        return try withExtendedLifetime(pictures) {
            let question = makeBranch()
            _ = try extend(question, with: prompt(chains[0], showing: pictures))
            return try chains.map { chain in
                let tokens = chain.nodes.flatMap(\.tokens)
                let states = try hiddenStates(of: tokens, after: question.fork(), layers: layers)
                var pool = StatePool()
                pool.append(states)
                return chain.nodes.compactMap { node in
                    let ended = pool.endStep(tokens: node.tokens.count, layers: layers.count)
                    return node.kind == .step ? ended : nil
                }
            }
        }
    }

    /// The recorded prompt with the ids that its pictures have here.
    private func prompt(_ chain: LabelledChain, showing pictures: [EncodedImage]) throws -> [TokenID] {
        let vocabulary = TokenID(model.configuration.decoder.vocabularySize)
        var features = pictures.flatMap(\.tokens)[...]
        let recorded = chain.prompt.count { $0 >= vocabulary }
        guard recorded == features.count else {
            throw EMLLMError.otherProblems(
                chain.images.map(\.path).joined(separator: ", "),
                expected: "\(recorded) features of pictures",
                found: "\(features.count)"
            )
        }
        return chain.prompt.map { $0 >= vocabulary ? features.removeFirst() : $0 }
    }
}

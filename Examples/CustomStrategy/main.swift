import EMLLMCore
import Foundation
import SelfEvalDecode

/// Writes two candidates for each step at once, and goes on with the better one until the answer is stated.
struct BetterOfTwo: Strategy {
    let evaluatesSteps = true

    func run(in search: SearchSession) throws -> Conclusion {
        var leaf = 0
        for _ in 0..<search.options.maximumSteps {
            try search.checkCancelled()
            let length = search.options.prompts.step.maximumTokens
            let width = search.width(upTo: 2, after: leaf, length: length, isEvaluated: true)
            guard width > 0 else { return Conclusion(leaf: leaf, stopReason: .budget) }
            // The likeliest text, and a draw beside it.
            let samplings = [search.options.primarySampling, search.options.revisionSampling].prefix(width)
            let written = try search.write(samplings.map { (parent: leaf, draft: DraftOptions(sampling: $0)) })
            let candidates = written.joined().filter { search[$0].rejection == nil }
            try search.evaluate(candidates)
            guard let best = candidates.max(by: { (search.score(of: $0) ?? 0) < (search.score(of: $1) ?? 0) }) else {
                return Conclusion(leaf: leaf, stopReason: .exhausted)
            }
            for node in written.joined() { search.decide(node, node == best ? .accepted : .rejected) }
            search.release(written.joined().filter { $0 != best })
            leaf = best
            if let reason = search.stopReason(after: leaf) { return Conclusion(leaf: leaf, stopReason: reason) }
        }
        return Conclusion(leaf: leaf, stopReason: .maximumSteps)
    }
}

/// Checks sums and products: `3 × 4 = 12`.
struct ArithmeticChecker: StepChecker {
    let name = "arithmetic"

    func check(_ step: CheckedStep) throws -> StepFinding? {
        let equations = step.text.matches(of: /(\d{1,9}) *([-+*×]) *(\d{1,9}) *= *(\d{1,18})/)
        for equation in equations {
            guard let left = Int(equation.1), let right = Int(equation.3), let stated = Int(equation.4) else {
                continue
            }
            let value =
                switch equation.2 {
                case "+": left + right
                case "-": left - right
                default: left * right
                }
            guard value == stated else {
                let hint = "\(equation.1) \(equation.2) \(equation.3) is \(value)."
                return StepFinding(outcome: .refuted, message: "\(equation.0) is wrong", hint: hint)
            }
        }
        return equations.isEmpty ? nil : StepFinding(outcome: .confirmed, message: "the arithmetic is right")
    }
}

let arguments = CommandLine.arguments.dropFirst()
guard let path = arguments.first, let question = arguments.dropFirst().first else {
    print("usage: custom-strategy <model> <question>")
    exit(64)
}
let decoder = try SelfEvalDecoder(
    model: EMLLMModel.load(from: URL(filePath: path)),
    options: SelfEvalOptions(maximumSteps: 3, budget: Budget(tokens: 1000, answerTokens: 16)),
    strategy: BetterOfTwo(),
    checkers: [ArithmeticChecker()]
)
let trace = try await decoder.run(question)
for step in trace.nodes {
    let findings = (step.evaluation?.findings ?? []).map { "  [\($0.checker): \($0.message)]" }.joined()
    let text = step.text.trimmingCharacters(in: .whitespacesAndNewlines)
    print(step.decision == .accepted ? "✓" : "✗", text + findings)
}
print("Strategy:", trace.header.options.strategy.rawValue)
print("Answer:", trace.answer?.text ?? "none")

import EMLLMCore
import Foundation

extension ModelStepSource {
    /// Evaluates nodes in one batch. Each verdict costs the tokens of the evaluation prompt.
    func evaluate(
        _ nodes: [Int],
        as scope: EvaluationScope,
        behind reflection: Int?,
        ledger: Ledger
    ) throws -> [StepEvaluation] {
        let branches = nodes.map { node in
            guard let reflection, let branch = reflections[reflection] else { return closed(node) }
            return branch
        }
        let verdicts = try verdicts(after: branches, as: scope, to: \.evaluation, ledger: ledger)
        var evaluations = verdicts.map { StepEvaluation(verdict: $0) }
        if options.weights[.contrast] != 0, let logits = try imageFreeLogits(of: nodes, as: scope, ledger: ledger) {
            for index in evaluations.indices { evaluations[index].imageFreeLogit = logits[index] }
        }
        if options.weights[.probe] != 0 {
            for (index, probe) in try probes(after: nodes, ledger: ledger).enumerated() {
                evaluations[index].probe = probe
            }
        }
        return evaluations
    }

    func evaluateEmptyStep(ledger: Ledger) throws -> Verdict {
        guard let question = live[0]?.branch else { preconditionFailure("the question was not read") }
        let verdict = try verdicts(
            after: [question.fork()],
            as: .step,
            beginning: questionPrompts.emptyStep,
            to: \.evaluation,
            ledger: ledger
        )[0]
        scorer.prior = verdict.orderLogits
        return verdict
    }

    /// Verdicts after branches, which are left unchanged.
    private func verdicts(
        after branches: [Model.Branch],
        as scope: EvaluationScope,
        beginning: [TokenID] = [],
        to purpose: WritableKeyPath<TokenCounts, Int>,
        ledger: Ledger
    ) throws -> [Verdict] {
        let orders = scope == .step ? questionPrompts.evaluations : questionPrompts.chainEvaluations
        let work = branches.flatMap { branch in
            orders.map { (branch: branch.fork(), tokens: beginning + $0) }
        }
        let logits = try append(work, to: purpose, ledger: ledger)
        return branches.indices.map { index in
            scorer.verdict(from: Array(logits[(index * orders.count)..<((index + 1) * orders.count)]))
        }
    }

    /// Costs one token: the one right before the verdict is processed again for the logits after it.
    func readVerdict(in evaluation: StepNode, ledger: Ledger) throws -> Verdict? {
        let markers = options.prompts.markers
        guard let branch = live[evaluation.id]?.branch.fork(),
            let words = try? VerdictTokens(positive: markers.accept, negative: markers.refine, tokenizer: tokenizer),
            let place = evaluation.text.range(of: markers.verdict, options: [.caseInsensitive, .backwards])
        else { return nil }
        // The tokens up to the one that the verdict's first letter is in.
        let word = evaluation.text[place.upperBound...].drop { !$0.isLetter }.startIndex
        let length = evaluation.text[..<word].unicodeScalars.count
        var detokenizer = live[evaluation.parent]?.detokenizer ?? tokenizer.makeDetokenizer()
        var scalars = 0
        let first = evaluation.tokens.firstIndex { token in
            scalars += detokenizer.append(token).unicodeScalars.count
            return scalars > length
        }
        guard let first, first > 0 else { return nil }
        let last = first - 1
        branch.rollback(to: branch.count - evaluation.tokens.count + last)
        let logits = try append([(branch, [evaluation.tokens[last]])], to: \.evaluation, ledger: ledger)
        return StepScorer(tokens: words, minimumMass: options.minimumVerdictMass).verdict(from: logits)
    }

    // MARK: Without the picture

    /// The logit ℓ of each node on a prefix without the picture; `nil` if there is no picture, or no budget.
    private func imageFreeLogits(of nodes: [Int], as scope: EvaluationScope, ledger: Ledger) throws -> [Double]? {
        guard let question = questionPrompts.imageFreeQuestion else { return nil }
        let lines = nodes.compactMap { live[$0]?.branch.tokens.dropFirst(questionPrompts.question.count) }
        guard lines.count == nodes.count else { return nil }
        let orders = scope == .step ? questionPrompts.evaluations : questionPrompts.chainEvaluations
        let most = question.count + lines.reduce(0) { $0 + $1.count + orders.reduce(0) { $0 + $1.count } }
        guard ledger.meter.allows(Expense(promptTokens: most, branches: 2 * nodes.count)) else { return nil }
        let root: Model.Branch
        if let known = imageFreeBranches[0] {
            root = known
        } else {
            root = model.makeBranch()
            _ = try append([(root, question)], to: \.contrast, ledger: ledger)
            imageFreeBranches[0] = root
        }
        var branches: [Model.Branch] = []
        var work: [(branch: Model.Branch, tokens: [TokenID])] = []
        for (node, line) in zip(nodes, lines) {
            // The longest cached line that is a prefix of this one.
            let tokens = question + line
            let known = imageFreeBranches.values.filter { tokens.starts(with: $0.tokens) }
            let branch = (known.max { $0.count < $1.count } ?? root).fork()
            if branch.count < tokens.count { work.append((branch, Array(tokens[branch.count...]))) }
            branches.append(branch)
            imageFreeBranches[node] = branch
        }
        if !work.isEmpty { _ = try append(work, to: \.contrast, ledger: ledger) }
        let closed = zip(nodes, branches).map { node, branch in
            let fork = branch.fork()
            fork.rollback(to: fork.count - (live[node]?.trailingSpace ?? 0))
            return fork
        }
        return try verdicts(after: closed, as: scope, to: \.contrast, ledger: ledger).map(\.logit)
    }

    // MARK: Answers

    /// The answers that would be given now, a few tokens of each.
    private func probes(after nodes: [Int], ledger: Ledger) throws -> [AnswerProbe?] {
        let cost = Expense(
            promptTokens: nodes.count * questionPrompts.answer.count,
            passes: ModelStepSource.probeTokens,
            branches: nodes.count
        )
        guard ledger.meter.allows(cost) else { return nodes.map { _ in nil } }
        let limit = ModelStepSource.probeTokens
        return try asked(after: nodes, limit: limit, purposes: (\.evaluation, \.evaluation), ledger: ledger).map {
            let scores = $0.logProbabilities
            let mean = scores.isEmpty ? 0 : scores.reduce(0, +) / Double(scores.count)
            return AnswerProbe(text: $0.text, meanLogProbability: mean)
        }
    }

    /// The number of tokens in an answer that is only probed.
    private static var probeTokens: Int { 8 }

    func answer(after nodes: [Int], ledger: Ledger) throws -> [(text: String, tokens: [TokenID])] {
        let limit = options.budget.answerTokens
        return try asked(after: nodes, limit: limit, purposes: (\.answerPrompt, \.answer), ledger: ledger)
            .map { ($0.text, $0.tokens) }
    }

    /// An answer that is being written.
    private struct AskedAnswer {
        let branch: Model.Branch
        var logits: Logits
        var detokenizer: StreamingDetokenizer
        var tokens: [TokenID] = []
        var logProbabilities: [Double] = []
        var text = ""
        var isDone = false

        var hasText: Bool { text.contains { !$0.isWhitespace } }
    }

    /// Asks for answers after nodes, as one batch.
    private func asked(
        after nodes: [Int],
        limit: Int,
        purposes: (prompt: WritableKeyPath<TokenCounts, Int>, text: WritableKeyPath<TokenCounts, Int>),
        ledger: Ledger
    ) throws -> [(text: String, tokens: [TokenID], logProbabilities: [Double])] {
        let branches = nodes.map(closed)
        let first = try append(branches.map { ($0, questionPrompts.answer) }, to: purposes.prompt, ledger: ledger)
        var answers = zip(branches, first).map {
            AskedAnswer(branch: $0, logits: $1, detokenizer: tokenizer.makeDetokenizer())
        }
        while true {
            let active = answers.indices.filter { !answers[$0].isDone }
            if active.isEmpty { break }
            try model.cancellation.check()
            if answers.allSatisfy(\.hasText), !ledger.meter.allowsAnswerToken() { break }
            for index in active { choose(&answers[index], limit: limit) }
            let growing = active.filter { !answers[$0].isDone }
            guard !growing.isEmpty else { continue }
            let work = growing.compactMap { index in
                answers[index].tokens.last.map { (branch: answers[index].branch, token: $0) }
            }
            let logits = try step(work, to: purposes.text, ledger: ledger)
            for (index, logits) in zip(growing, logits) { answers[index].logits = logits }
        }
        return answers.map { answer in
            var answer = answer
            let text = AnswerText.cleaned(answer.text + answer.detokenizer.finish(), upTo: options.prompts.answerSuffix)
            return (text, answer.tokens, answer.logProbabilities)
        }
    }

    /// Chooses an answer's next token. The last token is not put into the cache.
    private func choose(_ answer: inout AskedAnswer, limit: Int) {
        // The answer must begin with a word, so that a question always gets an answer.
        let mayBeSpace = answer.tokens.isEmpty && limit > 1
        let token = answer.hasText ? answer.logits.argmax : likeliestWord(answer.logits, allowsSpace: mayBeSpace)
        if tokenizer.isEndOfGeneration(token) {
            answer.isDone = true
            return
        }
        answer.logProbabilities.append(answer.logits.logProbability(of: token))
        answer.tokens.append(token)
        answer.text += answer.detokenizer.append(token)
        let suffix = options.prompts.answerSuffix
        answer.isDone =
            AnswerText.endsLine(answer.text) || answer.tokens.count >= limit
            || (!suffix.isEmpty && answer.text.contains(suffix))
    }

    /// The likeliest token that is neither the end of the turn, nor special, nor white space.
    ///
    /// - Parameter allowsSpace: whether the token may be spaces, for vocabularies in which the space before a word is a
    ///   separate token.
    private func likeliestWord(_ logits: Logits, allowsSpace: Bool) -> TokenID {
        var logits = logits
        for _ in logits.values.indices {
            let token = logits.argmax
            let bytes = tokenizer.bytes(of: token)
            let isBlank = bytes.allSatisfy { ($0 == 0x20 && !allowsSpace) || (0x09...0x0D).contains($0) }
            if !isBlank, !tokenizer.isEndOfGeneration(token), !tokenizer.isSpecial(token) { return token }
            logits.values[Int(token)] = -.infinity
        }
        return logits.argmax
    }

    // MARK: Reflections

    /// A model has no recorded findings, so checkers are asked.
    func findings(in node: Int) -> [StepFinding]? { nil }

    func reflect(
        on node: Int,
        as scope: EvaluationScope,
        saying hint: String?,
        id: Int,
        ledger: Ledger
    ) throws -> Reflection? {
        let branch = closed(node)
        let prompt = questionPrompts.reflect
        let request = scope == .step ? questionPrompts.refine : questionPrompts.rework
        let room = prompt.count + options.reflectionTokens + request.count + options.prompts.step.maximumTokens
        let expense = Expense(promptTokens: prompt.count + request.count, passes: options.reflectionTokens + 2)
        guard hasRoom(after: branch.count, for: room, ledger: ledger), ledger.meter.allows(expense) else {
            return nil
        }
        if let hint {
            let tokens = Array(tokenizer.encode(hint, continuing: true).prefix(options.reflectionTokens))
            _ = try append([(branch, prompt + tokens)], to: \.reflection, ledger: ledger)
            reflections[id] = branch
            return Reflection(id: id, node: node, text: tokenizer.decode(tokens), tokens: tokens)
        }
        var logits = try append([(branch, prompt)], to: \.reflection, ledger: ledger)[0]
        var detokenizer = tokenizer.makeDetokenizer()
        var tokens: [TokenID] = []
        var text = ""
        while tokens.count < options.reflectionTokens {
            try model.cancellation.check()
            let token = logits.argmax
            if tokenizer.isEndOfGeneration(token) { break }
            tokens.append(token)
            text += detokenizer.append(token)
            logits = try step([(branch, token)], to: \.reflection, ledger: ledger)[0]
            // One paragraph is enough; small models might never stop.
            if AnswerText.endsLine(text) { break }
        }
        reflections[id] = branch
        return Reflection(id: id, node: node, text: text + detokenizer.finish(), tokens: tokens)
    }
}

import EMLLMCore

extension VerifySearch {
    /// The answer: the one that the last step states, or one asked for with the budget set aside.
    func answer(after stop: ReasoningStop) throws -> Answer {
        if stop == .answered, let text = statedAnswer { return Answer(text: text, source: .reasoning, tokens: []) }
        let branch = main.fork()
        if let last = chain.last { trimWhitespace(of: branch, tokens: last.candidate.tokens) }
        let before = clock()
        var logits = try model.extend(branch, by: conversation.answer)
        trace.counts.answerPrompt += conversation.answer.count
        meter.noteAppended(tokens: conversation.answer.count, seconds: clock() - before)

        var detokenizer = tokenizer.makeDetokenizer()
        var tokens: [TokenID] = []
        var text = ""
        while tokens.count < options.budget.answerTokens {
            try model.cancellation.check()
            let hasText = text.contains { !$0.isWhitespace }
            if hasText && !meter.allowsAnswerToken { break }
            // Until there is a word, only a word will do: a question always gets an answer.
            let token = hasText ? logits.argmax : likeliestWord(logits, allowsSpace: tokens.isEmpty)
            if tokenizer.isEndOfGeneration(token) { break }
            tokens.append(token)
            text += detokenizer.append(token)
            if AnswerText.endsLine(text) || tokens.count == options.budget.answerTokens { break }
            let before = clock()
            logits = try model.extend(branch, by: [token])
            trace.counts.answer += 1
            meter.notePass(tokens: 1, seconds: clock() - before)
        }
        return Answer(text: AnswerText.cleaned(text + detokenizer.finish()), source: .asked, tokens: tokens)
    }

    /// The likeliest token that is neither the end of the turn, nor special, nor white space.
    ///
    /// - Parameter allowsSpace: whether it may be spaces, as in vocabularies that spell a word's space by itself.
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
}

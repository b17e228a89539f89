/// Changes the logits of the next token before it is chosen: to forbid tokens, to favour them, or to follow a grammar.
///
/// ```swift
/// /// Never writes one token.
/// struct BannedToken: LogitsProcessor {
///     let token: TokenID
///     func process(_ logits: inout Logits, prompt: [TokenID], generated: [TokenID]) {
///         logits.values[Int(token)] = -.infinity
///     }
/// }
///
/// let answer = try await session.respond(to: "Hello", logitsProcessor: BannedToken(token: 42))
/// ```
///
/// A processor comes before everything in ``GenerationOptions``: repetition penalty, temperature and the draw see the
/// logits that it leaves. It is called once for each token, on the thread that computes, and what it takes is added to
/// the time of the token. It keeps no state: its result is a function of the tokens, so that a seed repeats a
/// text.
public protocol LogitsProcessor: Sendable {
    /// Changes the logits of the next token in place.
    ///
    /// - Parameters:
    ///   - logits: one value for each token of the vocabulary; minus infinity rules a token out. Where all tokens are
    ///     ruled out, the generation throws ``EMLLMError/Code/noTokenLeft``.
    ///   - prompt: the tokens of the whole prompt. Ids beyond the vocabulary represent the features of pictures.
    ///   - generated: the tokens written after it so far.
    func process(_ logits: inout Logits, prompt: [TokenID], generated: [TokenID]) throws
}

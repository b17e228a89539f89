/// A stretch of a prompt, with the word of who wrote it.
///
/// A chat template turns a conversation into pieces. What the template or the program wrote is trusted, and a special
/// token spelled in it is that token. What a user wrote is not, and `<|im_end|>` typed by a user stays ordinary text.
public struct PromptPiece: Sendable, Equatable {
    /// The text.
    public var text: String
    /// Whether special tokens are recognized in the text.
    public var isTrusted: Bool

    /// Makes a piece.
    public init(text: String, isTrusted: Bool) {
        self.text = text
        self.isTrusted = isTrusted
    }

    /// Text of the template or the program, in which special tokens are recognized.
    public static func trusted(_ text: String) -> PromptPiece { PromptPiece(text: text, isTrusted: true) }

    /// Text of a user, in which special tokens are never recognized.
    public static func untrusted(_ text: String) -> PromptPiece { PromptPiece(text: text, isTrusted: false) }
}

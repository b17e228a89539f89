extension Jinja {
    /// One lexical unit and the line it starts on.
    struct Token: Sendable {
        enum Kind: Sendable, Equatable {
            /// Literal text between tags, after white space control.
            case data([Unicode.Scalar])
            /// `{{` and `}}`.
            case outputStart, outputEnd
            /// `{%` and `%}`.
            case blockStart, blockEnd
            case name(String)
            case string([Unicode.Scalar])
            case integer(Int)
            case double(Double)
            case symbol(String)
            case end
        }

        var kind: Kind
        var line: Int

        /// The name of the token in messages.
        var summary: String {
            switch kind {
            case .data: "template text"
            case .outputStart: "'{{'"
            case .outputEnd: "'}}'"
            case .blockStart: "'{%'"
            case .blockEnd: "'%}'"
            case .name(let name): "'\(name)'"
            case .string: "a string"
            case .integer(let value): "\(value)"
            case .double(let value): "\(value)"
            case .symbol(let symbol): "'\(symbol)'"
            case .end: "the end of the template"
            }
        }
    }
}

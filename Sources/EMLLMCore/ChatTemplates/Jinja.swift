/// The interpreter for the subset of Jinja 2 that chat templates use.
///
/// A template goes through three steps: ``Lexer`` (text to tokens), ``Parser`` (tokens to a tree) and ``Interpreter``
/// (tree and context to text). The language is that of Jinja 3.1 as transformers configures it for chat templates: an
/// immutable sandbox with `trim_blocks`, `lstrip_blocks`, loop controls and the `generation` tag. Values behave as
/// Python's do, since templates rely on it: strings are sequences of code points, `/` gives a float, `%` takes the sign
/// of the divisor.
///
/// A template comes from a model file and is therefore not trusted. Every recursion is bounded by a depth, every
/// loop and copy by a budget of steps, every string and the output by a length.
enum Jinja {
    /// The resources that a template may use. The defaults are far above what a real conversation needs.
    struct Limits: Sendable {
        /// The longest source text, in Unicode scalars.
        var sourceLength = 1 << 20
        /// How deeply expressions and blocks nest in the source.
        var syntaxDepth = 100
        /// How deeply evaluation nests, macros included.
        var evaluationDepth = 200
        /// How deeply lists and dictionaries nest.
        var valueDepth = 100
        /// Evaluated nodes, plus elements visited, plus a sixteenth of the characters copied.
        var steps = 2_000_000
        /// The longest string or output, in Unicode scalars.
        var stringLength = 1 << 24
        /// The longest `range()`; the same number as in Jinja's sandbox.
        var rangeLength = 100_000
    }
}

import Foundation
import Testing

@testable import EMLLMChatTemplates

/// Mutated templates with a fixed seed: whatever comes out, nothing crashes, errors are of our own kind, and no user's
/// text ever turns into trusted text.
@Suite struct ChatTemplateFuzzTests {
    private static let fragments = [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", ":", "::", ",", "|", "~", "**",
        "//", "%",
        "'", "\"", "\\", "\\u", "\n", "\r\n", " ", "\u{A0}", "é", "👩‍👩‍👧", "0", "-1", "9223372036854775807", "1e999", "0x",
        ".5",
        "none", "true", " is ", " in ", " not ", " and ", " if ", " else ", "{% if 1 %}", "{% endif %}",
        "{% for x in messages %}",
        "{% endfor %}", "{% set x %}", "{% endset %}", "{% macro m(a) %}", "{% endmacro %}", "{{ m(x) }}",
        "{% break %}",
        "{% raw %}", "{% endraw %}", "|list", "|first", "|last", "|join(x)", "|tojson", "|map('upper')", "|sort",
        "|reverse",
        "|indent(x)", "|replace(x, x)", "|string", "|int", "[::-1]", "[-1:]", ".split(x)", ".strip()", ".items()",
        "messages",
        "message.content", "messages[0].content", "namespace(x=x)", "range(3)", "loop", "caller()", "*messages", "**x",
    ]

    /// The scalar in every text of the context and in no template.
    private static let mark: Unicode.Scalar = "\u{E000}"

    private func marked(_ value: TemplateValue) -> TemplateValue {
        switch value {
        case .string(let text): .untrusted(text.text + String(Self.mark))
        case .list(let elements): .list(elements.map(marked))
        case .dictionary(let entries):
            .dictionary(
                entries.map { entry in
                    let isRole = entry.key.text == "role" || entry.key.text == "type"
                    return TemplateValue.Entry(key: entry.key, value: isRole ? entry.value : marked(entry.value))
                }
            )
        default: value
        }
    }

    private func mutated(_ source: String, _ random: inout SplitMix64) -> String {
        var scalars = Array(source.unicodeScalars)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let start = Int.random(in: 0...scalars.count, using: &random)
            let end = min(scalars.count, start + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: scalars.removeSubrange(start..<end)
            case 1:
                scalars.insert(contentsOf: scalars[start..<end], at: Int.random(in: 0...scalars.count, using: &random))
            case 2:
                let fragment = Self.fragments[Int.random(in: 0..<Self.fragments.count, using: &random)]
                scalars.insert(contentsOf: fragment.unicodeScalars, at: start)
            case 3:
                let fragment = Self.fragments[Int.random(in: 0..<Self.fragments.count, using: &random)]
                scalars.replaceSubrange(start..<end, with: fragment.unicodeScalars)
            default: scalars.removeSubrange(start...)
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    @Test func mutatedTemplatesNeitherCrashNorLaunderText() throws {
        let fixture = try ChatTemplateFixture.load()
        let contexts = fixture.contexts.indices.map { fixture.variables($0).mapValues(marked) }
        let limits = Jinja.Limits(steps: 20_000, stringLength: 1 << 16)
        var random = SplitMix64(state: 77)
        var rendered = 0
        for round in 0..<100000 {
            let item = fixture.cases[Int.random(in: 0..<fixture.cases.count, using: &random)]
            let source = mutated(fixture.sources[item.source], &random)
            do {
                let pieces = try ChatTemplate(source, limits: limits).render(context: contexts[item.context])
                rendered += 1
                let laundered = pieces.contains { $0.isTrusted && $0.text.unicodeScalars.contains(Self.mark) }
                #expect(!laundered, "round \(round): \(source)")
            } catch let error as EMLLMError {
                #expect(error.subject.hasPrefix("chat template, line "), "round \(round): \(source)")
                #expect(!error.description.contains("\n"))
            }
        }
        // The mutants have to reach the interpreter to test it.
        #expect(rendered > 1000)
    }
}

import Foundation
import Testing

@testable import EMLLMChatTemplates

/// Carries a result from a thread; the semaphore of whoever uses it orders the accesses.
private final class ResultBox<Success>: @unchecked Sendable { var result: Result<Success, any Error>? }

/// Templates come from files: none may crash or hang the program.
@Suite struct ChatTemplateHostileTests {
    /// Runs on a thread with the smallest stack that the library supports, that of a secondary thread on Apple's
    /// systems. A debug build needs about four times the stack of a release build.
    private func withSmallStack<Success: Sendable>(_ body: @escaping @Sendable () throws -> Success) throws -> Success {
        let box = ResultBox<Success>()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            box.result = Result { try body() }
            done.signal()
        }
        #if DEBUG
            thread.stackSize = 4 * 512 * 1024
        #else
            thread.stackSize = 512 * 1024
        #endif
        thread.start()
        done.wait()
        return try #require(box.result).get()
    }

    /// The code of the error that the template ends with.
    ///
    /// - Parameter limits: By default smaller ones than the library's, so that a debug build is quick.
    private func code(
        of source: String,
        _ context: [String: TemplateValue] = [:],
        limits: Jinja.Limits = .init(steps: 250_000, stringLength: 1 << 20)
    ) throws -> EMLLMError.Code? {
        try withSmallStack {
            do {
                _ = try ChatTemplate(source, limits: limits).render(context: context)
                return nil
            } catch let error as EMLLMError {
                return error.code
            }
        }
    }

    private func repeated(_ text: String, _ count: Int = 100_000) -> String { String(repeating: text, count: count) }

    @Test(arguments: [
        "(", "[", "{", "{'a':", "-", "a[", "a(", "f(x=", "1 if ", "x|default(", "x is eq(", "not (", "1 ** -",
    ])
    func deepExpressionsAreRefused(_ opening: String) throws {
        let code = try code(of: "{{ " + repeated(opening, opening == "(" ? 100_000 : 10_000) + " }}")
        #expect(code == .chatTemplateLimit || code == .chatTemplateSyntax)
        // Just below the limit everything is well.
        let closing = ["(": ")", "[": "]", "-": "1", "not (": "1)"][opening]
        if let closing, opening != "-" {
            let deep =
                repeated(opening, 45) + (opening == "[" ? "" : "1") + repeated(closing == "1)" ? ")" : closing, 45)
            #expect(try self.code(of: "{{ \(deep) }}") == nil)
        }
    }

    @Test(arguments: [
        "{% if 1 %}", "{% for x in [1] %}", "{% macro m() %}", "{% set x %}", "{% filter upper %}", "{% with %}",
    ])
    func deepBlocksAreRefused(_ opening: String) throws {
        #expect(try code(of: repeated(opening, 10_000)) == .chatTemplateLimit)
    }

    @Test func longChainsAreFine() throws {
        for (source, expected) in [
            ("1" + repeated(" + 1", 20_000), "20001"), ("1" + repeated(" and 1", 20_000), "1"),
            ("1" + repeated(" ~ ''", 20_000), "1"), ("1" + repeated(" <= 1", 20_000), "True"),
            (repeated("not ", 20_001) + "1", "False"), ("'a'" + repeated("|upper", 20_000), "A"),
            ("'a'" + repeated(".strip()", 20_000), "a"), ("2" + repeated(" ** 1", 20_000), "2"),
        ] {
            let text = try withSmallStack {
                try ChatTemplate("{{ \(source) }}").render(context: [:]).map(\.text).joined()
            }
            #expect(text == expected)
        }
        let branches = "{% if 0 %}" + repeated("{% elif 0 %}", 20_000) + "{% else %}x{% endif %}"
        #expect(try withSmallStack { try ChatTemplate(branches).render(context: [:]).map(\.text) } == ["x"])
    }

    @Test(arguments: [
        // Loops
        "{% for i in range(10 ** 9) %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{{ i * j }}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% if range(99999)|list %}{% endif %}{% endfor %}",
        "{% for i in range(99999) %}{% set x = range(99999)|sort %}{% endfor %}",
        "{% for i in range(99999) %}{% set x = 5 in range(99999)|list %}{% endfor %}",
        // Growing texts and lists
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s.replace('', ns.s) %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s.join(ns.s) %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = '%s%s' % (ns.s, ns.s) %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{{ 'a' * 10 ** 12 }}", "{{ 10 ** 12 * 'ab' }}", "{{ [1] * 10 ** 12 }}", "{{ [[]] * 9223372036854775807 }}",
        "{{ [1, 2] * 9223372036854775807 }}", "{{ 'ab' * 9223372036854775807 }}",
        "{{ 'a\nb'|indent(10 ** 12) }}", "{{ [1]|tojson(indent=10 ** 12) }}", "{{ [1]|batch(10 ** 12, 0)|list }}",
        "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
        // Searching repetitive text
        "{% set a = 'a' * 800000 %}{{ (('a' * 400000) ~ 'b') in a }}",
        "{% set a = 'a' * 800000 %}{{ a.rfind('b' ~ 'a' * 400000) }}",
        "{% set a = 'a' * 999999 %}{% for i in range(9999) %}{% set x = a == a %}{% endfor %}",
        // Values that nest, or share their parts
        "{% set ns = namespace(s=[]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor %}",
        "{% set ns = namespace(s={}) %}{% for i in range(99999) %}{% set ns.s = {'a': ns.s} %}{% endfor %}",
        "{% set ns = namespace(s=[]) %}{% for i in range(99999) %}{% set ns.s = [ns.s]|map('list') %}{% endfor %}",
        "{% set ns = namespace(s=[]) %}{% for i in range(99999) %}{% for x in [ns.s] %}{% set ns.s = loop %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s=[]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
        "{% set ns = namespace(s=[], t=[]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}"
            + "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
        "{% set ns = namespace(s=(), t=()) %}{% for i in range(60) %}{% set ns.s = (ns.s, ns.s) %}{% endfor %}{{ {ns.s: 1} }}",
        // Recursion
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro m(x=m()) %}{% endmacro %}{{ m() }}",
        "{% macro m() %}{% call m() %}{{ caller }}{% endcall %}{% endmacro %}{% call m() %}{% endcall %}",
        "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{% call m() %}{% endcall %}",
        "{% macro m(n) %}{% for i in range(99) %}{{ m(n) if n }}{{ m(n - 1) if n }}{% endfor %}{% endmacro %}{{ m(99) }}",
        "{% set ns = namespace() %}{% macro m() %}{% macro n() %}{{ ns.m() }}{% endmacro %}{% set ns.m = n %}{% endmacro %}"
            + "{{ m() }}{{ ns.m() }}",
        "{% set ns = namespace() %}{% macro d(f) %}{% macro n() %}{% endmacro %}{% set ns.m = n %}{{ f(f) }}{% endmacro %}"
            + "{% for i in range(99999) %}{{ d(d) }}{% endfor %}",
    ])
    func runawayTemplatesEndWithAnError(_ source: String) throws {
        #expect(try code(of: source) == .chatTemplateLimit)
    }

    /// The same with the limits of the library.
    @Test(arguments: [
        "{% for i in range(99999) %}{% for j in range(99999) %}{{ i * j }}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set a = 'a' * 8000000 %}{{ (('a' * 4000000) ~ 'b') in a }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ])
    func runawayTemplatesEndWithinTheDefaultLimits(_ source: String) throws {
        #expect(try code(of: source, limits: Jinja.Limits()) == .chatTemplateLimit)
    }

    @Test func cyclesAndChainsOfNamespacesAreReleased() throws {
        let cycle = "{% set ns = namespace() %}{% set ns.self = ns %}{% set ns.list = [ns] %}{{ ns.self.self == ns }}"
        #expect(try withSmallStack { try ChatTemplate(cycle).render(context: [:]).map(\.text) } == ["True"])
        let chain =
            "{% set ns = namespace(x=0) %}{% for i in range(99999) %}{% set ns.x = namespace(x=ns.x) %}{% endfor %}done"
        #expect(try withSmallStack { try ChatTemplate(chain).render(context: [:]).map(\.text) } == ["done"])
        // A loop that outlives its block is let go of as well.
        let loops =
            "{% set ns = namespace() %}{% for i in range(9999) %}{% set p = ns.l %}"
            + "{% for x in [1, 2] if x %}{% set ns.l = loop %}{% endfor %}{% endfor %}done"
        #expect(try withSmallStack { try ChatTemplate(loops).render(context: [:]).map(\.text) } == ["done"])
    }

    @Test func deepVariablesAreRefused() throws {
        var value = TemplateValue.none
        for _ in 0..<1000 { value = .list([value]) }
        let deep = value
        #expect(try code(of: "x", ["deep": deep]) == .chatTemplateLimit)
    }

    @Test func longTemplatesAreRefused() throws {
        #expect(try code(of: repeated("x", 2_000_000)) == .chatTemplateLimit)
    }

    @Test func longConversationsAreFine() throws {
        let template = try ChatTemplate(
            "{% for m in messages %}<|im_start|>{{ m.role ~ '\n' + m.content|trim + '<|im_end|>\n' }}{% endfor %}"
        )
        let content = repeated("A question about everything. ", 1000)
        let messages = (0..<100).map { ChatMessage(role: $0 % 2 == 0 ? .user : .assistant, content: content) }
        let pieces = try template.render(
            messages: messages,
            addGenerationPrompt: true,
            beginningOfSequence: nil,
            endOfSequence: nil
        )
        #expect(pieces.count == 201)
    }

    /// Real recursive templates describe the schema of a tool; such a schema is a few levels deep.
    @Test func macrosMayRecurseAsDeepAsSchemasDo() throws {
        let source =
            "{% macro m(n) %}{% if n > 0 %}{% for x in [n] %}{% if x %}({{ m(n - 1) }}){% endif %}{% endfor %}"
            + "{% endif %}{% endmacro %}{{ m(20) }}"
        #expect(try code(of: source) == nil)
    }
}

import Foundation
import Testing

@testable import EMLLMChatTemplates

@Suite struct ChatTemplateErrorTests {
    private func parseError(_ source: String) throws -> EMLLMError {
        try #require(#expect(throws: EMLLMError.self) { try ChatTemplate(source) })
    }

    private func renderError(_ source: String, _ context: [String: TemplateValue] = [:]) throws -> EMLLMError {
        let template = try ChatTemplate(source)
        return try #require(#expect(throws: EMLLMError.self) { try template.render(context: context) })
    }

    @Test(arguments: [
        ("a\n{% bogus %}", 2, "the tag 'bogus'"),
        ("{% include 'x' %}", 1, "the tag 'include'"),
        ("\n\n{{ x | xmlattr }}", 3, "the filter 'xmlattr'"),
        ("{{ x\n | upper\n | urlize }}", 3, "the filter 'urlize'"),
        ("{{ x is\nfoo }}", 2, "the test 'foo'"),
        ("{{ xs|map('nope') }}", 1, "the filter 'nope'"),
        ("{{ xs|selectattr('a', 'nope') }}", 1, "the test 'nope'"),
        ("{% set a = 1 %}\n{{ lipsum() }}", 2, "the function 'lipsum'"),
        ("{% if false %}\n{{ cycler('a') }}{% endif %}", 2, "the function 'cycler'"),
        ("{% for x in y recursive %}{% endfor %}", 1, "a recursive 'for'"),
        ("{{ '\\N{BULLET}' }}", 1, "the escape '\\N{…}'"),
        ("{{ 99999999999999999999 }}", 1, "an integer that does not fit 64 bits ('99999999999999999999')"),
    ])
    func unsupportedConstructsAreNamedWhenTheTemplateIsMade(source: String, line: Int, construct: String) throws {
        let error = try parseError(source)
        #expect(error.code == .chatTemplateUnsupported)
        #expect(error.found == construct)
        #expect(error.subject == "chat template, line \(line)")
    }

    @Test(arguments: [
        ("{{ 'a'.zfill(3) }}", 1, "the method 'zfill' of a string"),
        ("\n{{ '{}'.format(1) }}", 2, "the method 'format' of a string"),
        ("{{ ['x']|map(name)|list }}", 1, "the filter 'nope'"),
        ("{{ ['x']|select(name)|list }}", 1, "the test 'nope'"),
        ("{{ '%x' % 1 }}", 1, "the conversion '%x'"),
        ("{{ strftime_now('%Q') }}", 1, "the date format '%Q'"),
    ])
    func unsupportedConstructsAreNamedWhenTheyRun(source: String, line: Int, construct: String) throws {
        let error = try renderError(source, ["name": "nope"])
        #expect(error.code == .chatTemplateUnsupported)
        #expect(error.found == construct)
        #expect(error.subject == "chat template, line \(line)")
    }

    @Test func functionsThatTheTemplateTestsForMayBeMissing() throws {
        let template = try ChatTemplate("{% if fancy is defined %}{{ fancy() }}{% else %}plain{% endif %}")
        #expect(try template.render(context: [:]).map(\.text) == ["plain"])
    }

    @Test(arguments: [
        ("{{ 1 +\n }}", 2), ("{% if x %}\n\n", 2), ("a\nb{{ 'x", 2), ("{# \n", 1), ("{% raw %}\n", 1),
        ("{{ (1] }}", 1), ("\n{% endfor %}", 2), ("{% set 1 = 2 %}", 1), ("{% break %}", 1), ("{{ a b }}", 1),
    ])
    func errorsOfSyntaxNameTheirLine(source: String, line: Int) throws {
        let error = try parseError(source)
        #expect(error.code == .chatTemplateSyntax)
        #expect(error.subject == "chat template, line \(line)", "\(error)")
    }

    @Test(arguments: [
        ("{{ messages[0].role }}", 1, "a value to take an element of"),
        ("{{ message.role.name }}", 1, "a value with 'role'"),
        ("\n{% for x in 5 %}{% endfor %}", 2, "something to iterate over"),
        ("{{ 'a'\n+ 1 }}", 2, "operands that '+' can combine"),
        ("\n\n{{ 1 // 0 }}", 3, "a divisor other than zero"),
        ("{{ 9223372036854775807 + 1 }}", 1, "a whole number that fits 64 bits"),
        ("{{ 2 ** 64 }}", 1, "a whole number that fits 64 bits"),
        ("{{ (-9223372036854775807 - 1) // -1 }}", 1, "a whole number that fits 64 bits"),
        ("{{ -(-9223372036854775807 - 1) }}", 1, "a whole number that fits 64 bits"),
        ("{{ (-9223372036854775807 - 1)|abs }}", 1, "a whole number that fits 64 bits"),
        ("{{ 'a'|upper(1) }}", 1, "at most 0 arguments for 'upper'"),
        ("{% macro m(a) %}{% endmacro %}\n{{ m(b=1) }}", 2, "the parameters of the macro 'm'"),
    ])
    func errorsOfEvaluationNameTheirLine(source: String, line: Int, expected: String) throws {
        let error = try renderError(source)
        #expect(error.code == .chatTemplateEvaluation)
        #expect(error.expected == expected)
        #expect(error.subject == "chat template, line \(line)", "\(error)")
    }

    @Test func extremeIntegersDoNotOverflow() throws {
        let low = "(-9223372036854775807 - 1)"
        for (source, expected) in [
            ("{{ \(low) % -1 }}", "0"), ("{{ 'abc'[\(low):] }}", "abc"), ("{{ 'abc'[::\(low)] }}", "c"),
            ("{{ 'abc'[9223372036854775807:] }}", ""), ("{{ [1][\(low)] is defined }}", "False"),
            ("{{ range(9223372036854775806, 9223372036854775807)|list }}", "[9223372036854775806]"),
            ("{{ 'a' * \(low) }}", ""), ("{{ 'abc'|replace('b', '', \(low)) }}", "ac"),
        ] {
            #expect(try ChatTemplate(source).render(context: [:]).map(\.text).joined() == expected, "\(source)")
        }
        // Python makes three numbers of it; here the span has to fit 64 bits.
        let range = "{{ range(\(low), 9223372036854775807, 9223372036854775807) }}"
        #expect(try renderError(range).code == .chatTemplateLimit)
    }

    @Test func rejectionsCarryTheirMessageOnOneLine() throws {
        let error = try renderError("{{ '\n' }}{{ raise_exception('Roles must\nalternate') }}")
        #expect(error.code == .chatTemplateRejection)
        #expect(error.found == "Roles must\\nalternate")
        #expect(!error.description.contains("\n"))
    }

    @Test func datesAreThoseOfTheGivenClock() throws {
        let template = try ChatTemplate("{{ strftime_now('%F %T %-d %-m %e|%a %b|%I %p|%j|%y|%w|%D %R %%n') }}")
        let date = Date(timeIntervalSince1970: 1_741_356_309)
        let utc = try #require(TimeZone(identifier: "UTC"))
        #expect(
            try template.render(context: [:], now: date, timeZone: utc).map(\.text)
                == ["2025-03-07 14:05:09 7 3  7|Fri Mar|02 PM|066|25|5|03/07/25 14:05 %n"]
        )
        let east = try #require(TimeZone(secondsFromGMT: 10 * 3600))
        #expect(
            try template.render(context: [:], now: date, timeZone: east).map(\.text)
                == ["2025-03-08 00:05:09 8 3  8|Sat Mar|12 AM|067|25|6|03/08/25 00:05 %n"]
        )
    }
}

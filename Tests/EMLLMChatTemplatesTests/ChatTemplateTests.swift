import Foundation
import Testing

@testable import EMLLMChatTemplates

@Suite struct ChatTemplateTests {
    @Test func rendersWhatJinjaRenders() throws {
        let fixture = try ChatTemplateFixture.load()
        #expect(fixture.cases.count > 900)
        let utc = try #require(TimeZone(identifier: "UTC"))
        for item in fixture.cases {
            let source = fixture.sources[item.source]
            let outcome = Result {
                try ChatTemplate(source)
                    .render(context: fixture.variables(item.context), now: fixture.now, timeZone: utc)
                    .map(\.text).joined()
            }
            switch outcome {
            case .success(let text):
                // Swift compares strings up to canonical equivalence; the fixture means bytes.
                let isSame = item.expected.map { Array($0.utf8) == Array(text.utf8) } ?? false
                #expect(isSame, "\(item.name)\n\(source)\nexpected \(item)\nfound \(text.debugDescription)")
            case .failure(let error as EMLLMError) where error.code == .chatTemplateRejection:
                #expect(error.found == item.rejection, "\(item.name)\n\(source)")
            case .failure(let error):
                #expect(item.error != nil, "\(item.name)\n\(source)\nexpected \(item)\nfound \(error)")
                #expect(error is EMLLMError)
            }
        }
    }
}

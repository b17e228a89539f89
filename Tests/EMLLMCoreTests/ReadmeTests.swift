import Foundation
import Testing

/// The README shows a program; the package compiles it; this test sees that they are the same.
@Suite("README")
struct ReadmeTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test("The program shown is Examples/Solve/main.swift, in under 25 lines")
    func program() throws {
        let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let source = try String(contentsOf: Self.root.appending(path: "Examples/Solve/main.swift"), encoding: .utf8)
        let blocks = readme.matches(of: /(?s)```swift\n(.*?)```/).map { String($0.output.1) }
        #expect(blocks.contains(source), "README.md shows another program than Examples/Solve/main.swift")
        #expect(source.split(separator: "\n", omittingEmptySubsequences: false).count - 1 < 25)
    }

    @Test("The first two commands are make demo and make test")
    func commands() throws {
        let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let first = try #require(readme.firstMatch(of: /(?s)```(?:sh|console|bash)\n(.*?)```/)?.output.1)
        let commands = first.split(separator: "\n").map { $0.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces) }
        #expect(commands == ["make demo", "make test"])
    }

    @Test("Every file that the README and CONTRIBUTING name exists", arguments: ["README.md", "CONTRIBUTING.md"])
    func links(page: String) throws {
        let text = try String(contentsOf: Self.root.appending(path: page), encoding: .utf8)
        let links = text.matches(of: /\]\(([^)#:]+)\)/).map { String($0.output.1) }
        #expect(!links.isEmpty)
        for link in links {
            let path = Self.root.appending(path: link).path(percentEncoded: false)
            #expect(FileManager.default.fileExists(atPath: path), "\(page) links to \(link), which does not exist")
        }
    }
}

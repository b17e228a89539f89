import CLIShared
import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode
@testable import TraceView

/// Markup without its tags, entities resolved: what a person reads.
private func readable(_ html: String) -> String {
    var text = html.replacing(/<[^>]*>/, with: "")
    for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        text = text.replacingOccurrences(of: entity, with: character)
    }
    return text
}

/// Lines without colours.
private func plain(_ lines: [String]) -> [String] { lines.map { $0.replacing(/\u{1B}\[[0-9;]*m/, with: "") } }

private let samples: [(name: String, sample: TraceSample)] = [
    ("verification", .verification()), ("vote", .vote()), ("inline evaluation", .inlineEvaluation()), ("beam", .beam()),
    ("cancelled", .cancelled()), ("hostile", .hostile()),
]

/// The events of a sample up to its end, without it: a record that breaks off.
private func withoutSummary(_ sample: TraceSample) -> Trace {
    var trace = Trace(sample.trace.header)
    for node in sample.trace.nodes { trace.apply(.candidate(node)) }
    for backtrack in sample.trace.backtracks { trace.apply(.backtrack(backtrack)) }
    return trace
}

@Suite("The tree of a trace in a terminal")
struct TraceTreeTests {
    private func lines(_ trace: Trace, width: Int = 80, hasColor: Bool = false) -> [String] {
        TraceTree.lines(trace, terminal: Terminal(isInteractive: hasColor, width: width, hasColor: hasColor))
    }

    @Test("The line that stands goes down one column, and the others branch off before it")
    func verification() {
        let lines = lines(TraceSample.verification().trace, width: 100)
        let start = Array(lines.prefix(20))
        #expect(
            start == [
                "Tom has 3 bags with 4 apples each. He eats 2. How many apples are left?",
                "│",
                "1  ✓ 0.71  Tom has 3 bags with 4 apples each, so he has 12 apples.",
                "├─ 2  ✗ 0.22  He eats 2 apples, so 14 are left.",
                "├─ 2  = same  He eats 2 apples, so 14 are left.",
                "├─ 2  ↩ 0.44  He eats 2 of the 4 apples in one bag.",
                "│  │          ↩ taken back: after it, nothing scored above 0.12",
                "│  │          » why? It speaks of one bag, but the question asks about all of them.",
                "│  ├─ 3  ✗ 0.12  So 3 bags of 2 apples are left, which is 6.",
                "│  └─ 3  ✗ 0.08  Two bags are left.",
                "2  ✓ 0.64  He eats 2 apples, so 12 - 2 = 10 are left.",
                "│          » written again with a reflection in sight",
                "├─ 3  ✗ none  (white space only)",
                "3  ~ 0.36  Nothing else changes the number of apples.",
                "4  ✓ 0.83  The answer is 10.",
                "│",
                "└─ Answer: 10",
                "   confidence 0.64 · stated in step 4",
                "",
                "verify · 4 steps · 6 others · 1 taken back · stopped: a step states the answer",
            ]
        )
        #expect(lines.joined(separator: "\n").contains("tokens: "))
        #expect(lines.joined(separator: "\n").contains("time: 5.61 s = "))
    }

    @Test("A chain of a hundred steps stays in one column")
    func straight() {
        var sample = TraceSample("Count to a hundred.")
        var last = 0
        for number in 1...100 { last = sample.write("\(number)", after: last, score: 0.9, decision: .accepted) }
        sample.conclude("done", after: last)
        let steps = lines(sample.trace).filter { $0.contains("✓") }
        #expect(steps.count == 100)
        #expect(Set(steps.map { $0.prefix { $0 != "✓" }.count }) == [4])
    }

    @Test("Every line fits, whatever the texts and the width", arguments: [1, 24, 31, 40, 80, 200])
    func width(columns: Int) {
        for (name, sample) in samples {
            for line in lines(sample.trace, width: columns) {
                #expect(TerminalText.width(of: line) <= max(columns, Terminal.leastWidth), "\(name): \(line)")
            }
        }
    }

    @Test("Every text is there, and nothing steers the terminal", arguments: samples.indices)
    func texts(index: Int) {
        let trace = samples[index].sample.trace
        let lines = lines(trace, width: 1000)
        let whole = lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
        for text in trace.nodes.map(\.text) + trace.reflections.map(\.text) {
            for word in TerminalText.harmless(text).split(whereSeparator: \.isWhitespace) {
                #expect(whole.contains(word), "\(word)")
            }
        }
        #expect(lines.allSatisfy { $0 == TerminalText.harmless($0) })
        #expect(lines.allSatisfy { !$0.contains(where: \.isNewline) })
    }

    @Test("Colours only where they are welcome, and then they change nothing else", arguments: samples.indices)
    func colours(index: Int) {
        let trace = samples[index].sample.trace
        let coloured = lines(trace, hasColor: true)
        #expect(coloured.contains { $0.contains("\u{1B}[") })
        #expect(plain(coloured) == lines(trace))
        // The line that stands is bold.
        for node in trace.path where node.kind == .step {
            let word = TerminalText.harmless(Wording.shown(node.text)).prefix(20).prefix { !$0.isWhitespace }
            #expect(coloured.contains { $0.contains("\u{1B}[1m\(word)") }, "\(word)")
        }
    }

    @Test("The page shows a rejected reading beside the step that took its place, and says what a score is made of")
    func correction() {
        var options = SelfEvalOptions()
        options.weights = [.verdict: 1, .line: 0.5]
        var sample = TraceSample("How many?", options: options)
        sample.write("There are 13.", after: 0, score: 0.4, decision: .rejected)
        let second = sample.write("There are 11.", after: 0, score: 0.9, decision: .accepted)
        let last = sample.write("The answer is 11.", after: second, score: 0.901, decision: .accepted)
        sample.conclude("11", after: last)
        let page = TracePage.html(sample.trace, images: [])
        #expect(page.contains(/<details class="others" open/) && page.contains("There are 13."))
        #expect(page.contains("how likely it found all that was said so far"))
        // Both steps that stand read 0.90: neither is doubted more.
        #expect(!page.contains("doubts most"))
        // Without evaluations there are no bars to explain.
        var plain = TraceSample("How many?")
        plain.conclude("11", after: plain.write("The answer is 11.", after: 0, decision: .written))
        #expect(!TracePage.html(plain.trace, images: []).contains("A bar shows"))
    }

    @Test("Several lines show their answers, and how many give each")
    func vote() {
        let lines = lines(TraceSample.vote().trace)
        #expect(lines.contains("3 × 54"))
        #expect(lines.contains("1 × 30"))
        #expect(lines.filter { $0.contains("→ 54") }.count == 3)
        #expect(lines.contains { $0.contains("Do not rely on it: the confidence 0.60 is below 0.70.") })
    }

    @Test("Evaluations beside the steps have no number of their own")
    func evaluations() {
        let lines = lines(TraceSample.inlineEvaluation().trace)
        #expect(lines.contains("├─ 2  ✗ 0.20  B is the highest, at 30."))
        #expect(lines.contains { $0.hasPrefix("│     » says  [self-evaluation-start: C") })
        #expect(lines.contains("3  ·       The answer is C."))
    }

    @Test("A record that breaks off says so, and so does a cancelled run")
    func unfinished() {
        let broken = lines(withoutSummary(.verification()))
        #expect(broken.contains("└─ the record breaks off here"))
        #expect(broken.contains("4  ✓ 0.83  The answer is 10."))
        let cancelled = lines(TraceSample.cancelled().trace)
        #expect(cancelled.contains("└─ cancelled before there was an answer"))
        #expect(cancelled.contains("1  ✓ 0.80  17 times 20 is 340."))
        #expect(cancelled.contains("├─ 2  … 0.30  17 times 3 is 41."))
        let empty = lines(Trace(TraceSample("Why?").trace.header))
        #expect(empty.prefix(3) == ["Why?", "│", "└─ the record breaks off here"])
    }

    @Test("A damaged trace, decoded without a check, is drawn as well as it goes")
    func damaged() throws {
        let whole = String(decoding: try TraceSample.verification().trace.json(), as: UTF8.self)
        let json = whole.replacing(/"(parent|id|node|from|to)" : 2\b/) { "\"\($0.1)\" : 77" }
            .replacing(/"score" : 0\.\d+/) { _ in "\"score\" : 1e300" }
        #expect(json != whole)
        let trace = try JSONDecoder().decode(Trace.self, from: Data(json.utf8))
        for line in lines(trace, width: 40) { #expect(TerminalText.width(of: line) <= 40) }
        #expect(TracePage.html(trace, images: []).hasSuffix("</html>\n"))
    }

    @Test("Hundreds of branches in one another stay near the margin")
    func deep() {
        var sample = TraceSample("Deep?")
        var last = 0
        for _ in 1...300 {
            sample.write("leaf", after: last)
            last = sample.write("go on", after: last)
        }
        let lines = lines(sample.trace, width: 1000)
        #expect(lines.count > 600)
        #expect(lines.allSatisfy { $0.prefix { "│├└─ ".contains($0) }.count <= 20 })
    }
}

@Suite("The page of a trace")
struct TracePageTests {
    private static let picture = (data: Data([0x89, 0x50, 0x4E, 0x47, 0xFF, 0x00]), type: "image/png")

    /// The attributes of all elements, in order.
    private func attributes(in html: String) -> [(name: String, value: String)] {
        html.matches(of: /<[^>]*>/).flatMap { tag in
            tag.output.matches(of: /\s([a-zA-Z-]+)="([^"]*)"/).map { (String($0.1), String($0.2)) }
        }
    }

    @Test("Every event of the samples follows from those before it")
    func soundness() { for (name, sample) in samples { #expect(sample.isSound, "\(name)") } }

    @Test("Every text is there, as text", arguments: samples.indices)
    func texts(index: Int) {
        let trace = samples[index].sample.trace
        let html = TracePage.html(trace, images: [])
        let prompts = trace.header.options.prompts
        let texts =
            trace.nodes.map(\.text) + trace.reflections.map(\.text)
            + [trace.header.question, trace.header.model.provenance.name, trace.answer?.text].compactMap { $0 }
            + [
                prompts.reason, prompts.evaluate, prompts.evaluateChain, prompts.reflect, prompts.refine,
                prompts.rework,
                prompts.answer,
            ]
        let read = readable(html)
        for text in texts {
            let shown = Wording.shown(text)
            // The page is too long to be printed with every failure.
            let isMarkedUp = html.contains(HTML.escaped(shown))
            let isReadable = read.contains(TerminalText.harmless(shown))
            #expect(isMarkedUp && isReadable, "\(shown)")
        }
    }

    @Test("No text becomes markup", arguments: samples.indices)
    func markup(index: Int) {
        let html = TracePage.html(
            samples[index].sample.trace,
            images: [Self.picture, (Data(), "image/svg+xml"), (Data(), "\"><script>")]
        )
        let elements = """
            html head meta title style body main div section p h1 h2 figure img figcaption table thead tbody tr th td svg rect
            ul ol li article span details summary dl dt dd pre a blockquote
            """
        let names = Set(html.matches(of: /<\/?([a-zA-Z][^\s>\/]*)/).map { String($0.1) })
        #expect(names.subtracting(elements.split(whereSeparator: \.isWhitespace).map(String.init)).isEmpty)
        let known = """
            lang charset http-equiv content name class id title dir alt src href scope open viewBox x y width height
            aria-hidden aria-labelledby preserveAspectRatio
            """
        let attributes = Set(attributes(in: html).map(\.name))
        #expect(attributes.subtracting(known.split(whereSeparator: \.isWhitespace).map(String.init)).isEmpty)
        #expect(html.matches(of: /<style>/).count == 1)
        #expect(
            html.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control }
        )
        #expect(html == TerminalText.harmless(html))
    }

    @Test("Tags are balanced", arguments: samples.indices)
    func balance(index: Int) {
        let html = TracePage.html(samples[index].sample.trace, images: [Self.picture])
        var open: [String] = []
        for tag in html.matches(of: /<(\/?)([a-z0-9]+)[^>]*>/) {
            let name = String(tag.2)
            if ["meta", "img"].contains(name) { continue }
            if tag.1.isEmpty {
                open.append(name)
            } else {
                #expect(open.popLast() == name)
            }
        }
        #expect(open.isEmpty)
    }

    @Test("Nothing is loaded from anywhere", arguments: samples.indices)
    func network(index: Int) {
        let html = TracePage.html(samples[index].sample.trace, images: [Self.picture])
        let attributes = attributes(in: html)
        let sources = attributes.filter { $0.name == "src" }.map(\.value)
        #expect(sources == ["data:image/png;base64,iVBOR/8A"])
        let anchors = Set(attributes.filter { $0.name == "id" }.map(\.value))
        for link in attributes where link.name == "href" {
            #expect(link.value.hasPrefix("#") && anchors.contains(String(link.value.dropFirst())))
        }
        #expect(
            html.contains(
                "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
            )
        )
        let sheet = PageStyle.sheet.description
        #expect(!sheet.contains("url(") && !sheet.contains("@import") && !sheet.contains("<"))
    }

    @Test("Places have names of their own")
    func anchors() {
        for (name, sample) in samples {
            let html = TracePage.html(sample.trace, images: [])
            let ids = attributes(in: html).filter { $0.name == "id" }.map(\.value)
            #expect(Set(ids).count == ids.count, "\(name)")
            #expect(sample.trace.nodes.allSatisfy { ids.contains("n\($0.id)") }, "\(name)")
        }
    }

    @Test("The line that stands is marked, and nothing else", arguments: samples.indices)
    func path(index: Int) {
        let trace = samples[index].sample.trace
        let html = TracePage.html(trace, images: [])
        let marked = html.matches(of: /<article class="[^"]*\bstands\b[^"]*" id="n(\d+)">/).compactMap { Int($0.1) }
        // A cancelled run records no line; the steps that were accepted are one all the same.
        #expect(marked == (trace.path.isEmpty ? [1] : trace.path.map(\.id)))
    }

    @Test("Pictures that browsers do not show are named, and missing ones counted")
    func pictures() {
        let trace = TraceSample.verification().trace
        let html = TracePage.html(trace, images: [(Data([1]), "image/svg+xml"), (Data([0xFF, 0xD8]), "image/jpeg")])
        #expect(html.contains("A picture of type image/svg+xml is not shown."))
        #expect(html.contains("src=\"data:image/jpeg;base64,/9g=\""))
        #expect(!TracePage.html(trace, images: []).contains("<img"))
    }

    @Test("A record that breaks off says so, and so does a cancelled run")
    func unfinished() {
        let broken = TracePage.html(withoutSummary(.verification()), images: [])
        #expect(broken.contains("The record breaks off here."))
        #expect(!broken.contains("What it cost"))
        #expect(TracePage.html(TraceSample.cancelled().trace, images: []).contains("The run was cancelled here."))
        #expect(TracePage.html(Trace(TraceSample("Why?").trace.header), images: []).contains("Nothing was written."))
    }

    @Test("The same trace gives the same bytes, and a trace read from its file the same page")
    func determinism() throws {
        for (_, sample) in samples {
            let page = TracePage.html(sample.trace, images: [Self.picture])
            #expect(page == TracePage.html(sample.trace, images: [Self.picture]))
            let read = try Trace(json: sample.trace.json())
            #expect(page == TracePage.html(read, images: [Self.picture]))
        }
    }

    @Test("Costs add up to the whole")
    func costs() {
        let summary = TraceSample.verification().trace.summary
        let counts = summary?.counts ?? TokenCounts()
        #expect(counts.processed > 0)
        #expect(Cost<Int>.tokens(counts).reduce(0) { $0 + $1.amount } == counts.processed)
        let seconds = summary?.seconds ?? Seconds()
        #expect(abs(Cost<Double>.seconds(seconds).reduce(0) { $0 + $1.amount } - seconds.total) < 1e-9)
    }

    @Test("Hundreds of branches in one another nest only a few elements deep")
    func deep() {
        var sample = TraceSample("Deep?")
        var last = 0
        for _ in 1...300 {
            sample.write("leaf", after: last)
            last = sample.write("go on", after: last)
        }
        var depth = 0
        var deepest = 0
        for tag in TracePage.html(sample.trace, images: []).matches(of: /<(\/?)(ol|details)\b/) {
            depth += tag.1.isEmpty ? 1 : -1
            deepest = max(deepest, depth)
        }
        #expect(deepest < 30)
    }
}

/// Every kind of number of recorded traces at every extreme: refused, or drawn.
@Suite("Fuzz: numbers of traces")
struct TraceNumberFuzzTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "SelfEvalDecodeTests/Fixtures")

    @Test(
        "Refused with an error, or drawn",
        arguments: ["trace-version-1.json", "trace-version-2.jsonl", "trace-version-3.json", "trace-version-3.jsonl"]
    )
    func numbers(name: String) throws {
        let text = String(decoding: try Data(contentsOf: Self.folder.appending(path: name)), as: UTF8.self)
        let number = /"(?<key>[A-Za-z]+)"\s*:\s*\[?\s*(?<number>-?[0-9][0-9.eE+-]*)/
        var seen: [Substring: Int] = [:]
        var (refused, drawn) = (0, 0)
        for match in text.matches(of: number) {
            // The same key at a few places says as much as at all of them.
            seen[match.key, default: 0] += 1
            guard seen[match.key]! <= 2 else { continue }
            for extreme in ["9223372036854775807", "-9223372036854775808", "-1", "4611686018427387904", "1e300"] {
                var changed = text
                changed.replaceSubrange(match.number.startIndex..<match.number.endIndex, with: extreme)
                guard let trace = try? Trace(json: Data(changed.utf8)) else {
                    refused += 1
                    continue
                }
                #expect(trace.repromptedTokens >= 0)
                #expect(
                    !TraceTree.lines(trace, terminal: Terminal(isInteractive: false, width: 80, hasColor: false))
                        .isEmpty
                )
                #expect(!TracePage.html(trace, images: []).isEmpty)
                drawn += 1
            }
        }
        #expect(refused > 50 && drawn > 5, "\(refused) refused, \(drawn) drawn")
    }
}

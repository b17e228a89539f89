import Foundation
import Synchronization
import Testing

@testable import EMLLMCore

/// What ends a text, and what may change it: stop strings, logits processors, cancellation.
@Suite("Generation")
struct GenerationTests {
    private let model: EMLLMModel
    private let short = GenerationOptions(maximumResponseTokens: 24)

    init() throws { model = try ChatModels.stories.get() }

    // MARK: Stop strings

    /// The end of the text by trying every place, and the string found there.
    private static func search(_ text: String, _ stops: [String]) -> (text: String, match: String?) {
        let bytes = Array(text.utf8)
        for end in bytes.indices {
            let found = stops.filter { bytes[...end].reversed().starts(with: $0.utf8.reversed()) }
            if let longest = found.max(by: { $0.utf8.count < $1.utf8.count }) {
                return (String(decoding: bytes[..<(end + 1 - longest.utf8.count)], as: UTF8.self), longest)
            }
        }
        return (text, nil)
    }

    @Test("Stop strings are found wherever the text is cut, and nothing of them is shown")
    func matcher() {
        var random = SplitMix64(state: 5)
        let alphabet = ["a", "b", "é", "€", "👍", "e\u{301}"]
        func text(_ count: Int) -> String { (0..<count).map { _ in alphabet.randomElement(using: &random)! }.joined() }
        var found = 0
        for _ in 0..<3000 {
            let stops = (0..<Int.random(in: 1...3, using: &random)).map { _ in text(.random(in: 1...4, using: &random))
            }
            let whole = text(.random(in: 0...12, using: &random))
            let expected = Self.search(whole, stops)
            var matcher = StopStringMatcher(stops)
            var shown = ""
            var rest = Substring(whole).unicodeScalars
            while !rest.isEmpty {
                let piece = rest.prefix(.random(in: 1...3, using: &random))
                rest.removeFirst(piece.count)
                shown += matcher.append(String(String.UnicodeScalarView(piece)))
                // What was shown is never taken back.
                #expect(Array(expected.text.utf8).starts(with: shown.utf8))
            }
            shown += matcher.finish()
            #expect(Array(shown.utf8) == Array(expected.text.utf8) && matcher.match == expected.match)
            if matcher.match != nil { found += 1 }
        }
        #expect((500...2500).contains(found))
    }

    @Test("What cannot become a stop string is shown at once")
    func promptness() {
        var matcher = StopStringMatcher(["STOP", "TO"])
        #expect(matcher.append("one S") == "one ")
        #expect(matcher.append("two") == "Stwo")
        #expect(matcher.append("T") == "" && matcher.append("x") == "Tx")
        #expect(matcher.append("ST") == "")
        #expect(matcher.append("OP and more") == "S" && matcher.match == "TO")
        #expect(matcher.append("more") == "" && matcher.finish() == "")
        var none = StopStringMatcher([])
        #expect(none.append("STOP") == "STOP" && none.finish() == "" && none.match == nil)
    }

    @Test("A stop string ends the text before it, across the borders of tokens, in answers and in streams")
    func stopStrings() async throws {
        let whole = try await EMLLMSession(model: model).respond(to: "Once upon a time", options: short)
        let characters = Array(whole.content)
        #expect(characters.count > 30)
        // Every place, in strings that are longer than most tokens.
        for start in stride(from: 3, to: characters.count - 7, by: 5) {
            let stop = String(characters[start..<start + 7])
            let expected = Self.search(whole.content, [stop])
            var options = short
            options.stopStrings = ["not in the text", stop]
            let session = try EMLLMSession(model: model)
            let stream = session.streamResponse(to: "Once upon a time", options: options)
            var text = ""
            for try await piece in stream {
                #expect(!piece.isEmpty)
                text += piece
            }
            let response = try await stream.collect()
            #expect(text == expected.text && response.content == text)
            #expect(response.info.stopReason == .stopString && response.info.stopString == stop)
            #expect(response.info.generatedTokens <= 24)
            #expect(session.transcript.last?.content == text)
            // The next turn begins behind the text, not behind the stop string.
            let next = try await session.respond(to: "More", options: short)
            let fresh = try EMLLMSession(model: model, transcript: Array(session.transcript.prefix(2)))
            #expect(try await fresh.respond(to: "More", options: short).content == next.content)
        }
    }

    @Test("What was held back for a stop string that never came is not lost")
    func heldBack() async throws {
        let whole = try await EMLLMSession(model: model).respond(to: "Once", options: short)
        var options = short
        options.stopStrings = [String(whole.content.suffix(4)) + "and more"]
        let stopped = try await EMLLMSession(model: model).respond(to: "Once", options: options)
        #expect(stopped.content == whole.content)
        #expect(stopped.info.stopReason == .maximumTokens && stopped.info.stopString == nil)
    }

    @Test("The loop over tokens honours stop strings as well")
    func stopStringsOfTokens() throws {
        let context = try InferenceContext(model: model)
        let prompt = model.tokenizer.encode("Once upon a time")
        func tokens(_ options: GenerationOptions) throws -> (tokens: [TokenID], stopReason: StopReason) {
            let branch = context.makeBranch()
            return try context.generate(branch, after: context.extend(branch, with: prompt), options: options) { _ in }
        }
        let whole = try tokens(short)
        let text = model.tokenizer.decode(whole.tokens, continuing: true)
        var options = short
        options.stopStrings = [String(text.dropFirst(10).prefix(5))]
        let stopped = try tokens(options)
        #expect(stopped.stopReason == .stopString && whole.tokens.starts(with: stopped.tokens))
        let before = model.tokenizer.decode(Array(stopped.tokens.dropLast()), continuing: true)
        #expect(!before.contains(options.stopStrings[0]))
        #expect(model.tokenizer.decode(stopped.tokens, continuing: true).contains(options.stopStrings[0]))
    }

    // MARK: Options

    @Test("Options from before there were stop strings are read, and written as they were")
    func coding() throws {
        let old = """
            {"maximumResponseTokens":9,"minimumProbability":0,"repetitionPenalty":1,\
            "samplingMode":{"draw":{"seed":7,"top":40}},"temperature":0.5}
            """
        let options = try JSONDecoder().decode(GenerationOptions.self, from: Data(old.utf8))
        #expect(
            options
                == GenerationOptions(
                    samplingMode: .random(top: 40, seed: 7),
                    temperature: 0.5,
                    maximumResponseTokens: 9
                )
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(options), as: UTF8.self) == old)
        for new in [
            GenerationOptions(), GenerationOptions(samplingMode: .random()),
            GenerationOptions(samplingMode: .random(probabilityThreshold: 0.5), stopStrings: ["a", "\n"]),
        ] {
            #expect(try JSONDecoder().decode(GenerationOptions.self, from: encoder.encode(new)) == new)
        }
    }

    // MARK: Logits processors

    private struct BannedToken: LogitsProcessor {
        let token: TokenID
        func process(_ logits: inout Logits, prompt: [TokenID], generated: [TokenID]) {
            logits.values[Int(token)] = -.infinity
        }
    }

    @Test("A banned token is never written, in greedy texts and in draws")
    func banned() throws {
        let context = try InferenceContext(model: model)
        let prompt = model.tokenizer.encode("Once upon a time")
        func tokens(_ mode: GenerationOptions.SamplingMode, _ processor: BannedToken?) throws -> [TokenID] {
            let branch = context.makeBranch()
            return try context.generate(
                branch,
                after: context.extend(branch, with: prompt),
                options: GenerationOptions(samplingMode: mode, maximumResponseTokens: 40),
                logitsProcessor: processor
            ) { _ in }.tokens
        }
        for mode in [GenerationOptions.SamplingMode.greedy, .random(seed: 3)] {
            let free = try tokens(mode, nil)
            for token in Set(free.prefix(5)) {
                let without = try tokens(mode, BannedToken(token: token))
                #expect(!without.contains(token) && without != free)
                #expect(without.starts(with: free.prefix { $0 != token }))
            }
        }
    }

    private final class Recorder: LogitsProcessor {
        let calls = Mutex<[(prompt: [TokenID], generated: [TokenID])]>([])
        func process(_ logits: inout Logits, prompt: [TokenID], generated: [TokenID]) {
            calls.withLock { $0.append((prompt, generated)) }
        }
    }

    @Test("A processor sees the whole prompt and what was written, and one that does nothing changes nothing")
    func tokensSoFar() async throws {
        let session = try EMLLMSession(model: model)
        let first = try await session.respond(to: "Lily had a ball.", options: short)
        let recorder = Recorder()
        let stream = session.streamResponse(to: "And then?", options: short, logitsProcessor: recorder)
        let second = try await stream.collect()
        let calls = recorder.calls.withLock { $0 }
        #expect(calls.count == second.info.generatedTokens && calls.count == 24)
        #expect(calls.indices.allSatisfy { calls[$0].generated.count == $0 })
        let prompt = try model.prompt(for: Array(session.transcript.prefix(3)))
        #expect(calls.allSatisfy { $0.prompt == prompt })
        let plain = try EMLLMSession(model: model)
        #expect(try await plain.respond(to: "Lily had a ball.", options: short).content == first.content)
        #expect(try await plain.respond(to: "And then?", options: short).content == second.content)
    }

    private struct Failing: LogitsProcessor {
        struct Failure: Error {}
        let throwsError: Bool
        func process(_ logits: inout Logits, prompt: [TokenID], generated: [TokenID]) throws {
            guard generated.count == 3 else { return }
            if throwsError { throw Failure() }
            logits.values = logits.values.map { _ in -.infinity }
        }
    }

    @Test("A processor that leaves no token, or throws, ends the answer with its error")
    func failing() async throws {
        let session = try EMLLMSession(model: model)
        let error = await #expect(throws: EMLLMError.self) {
            try await session.respond(to: "Once", options: short, logitsProcessor: Failing(throwsError: false))
        }
        #expect(error?.code == .noTokenLeft)
        await #expect(throws: Failing.Failure.self) {
            for try await _ in session.streamResponse(
                to: "Once",
                options: short,
                logitsProcessor: Failing(throwsError: true)
            ) {}
        }
        #expect(session.transcript.isEmpty && !session.isResponding)
        _ = try await session.respond(to: "Once", options: short)
    }

    // MARK: Completions

    @Test("A prompt without tokens is an error, and the context goes on")
    func emptyPrompt() throws {
        let context = try InferenceContext(model: model)
        let branch = context.makeBranch()
        _ = try context.extend(branch, with: [1, 2])
        func isEmptyPrompt(_ error: any Error) -> Bool { (error as? EMLLMError)?.code == .emptyPrompt }
        #expect { try context.extend(branch, with: []) } throws: { isEmptyPrompt($0) }
        #expect { try context.extend([(branch, [3]), (branch.fork(), [])]) } throws: { isEmptyPrompt($0) }
        #expect { try context.extend(branch, with: []) { _ in } } throws: { isEmptyPrompt($0) }
        #expect(branch.tokens == [1, 2])
        #expect {
            try context.complete([], on: context.makeBranch(), options: short) { _ in }
        } throws: { isEmptyPrompt($0) }
    }

    @Test("A completion that is cancelled is what there was by then")
    func cancelled() throws {
        let context = try InferenceContext(model: model)
        let prompt = model.tokenizer.encode("Once upon a time")
        let whole = try context.complete(prompt, on: context.makeBranch(), continuing: true, options: short) { _ in }
        #expect(whole.info.generatedTokens == 24 && whole.text.first == ",")
        var shown = ""
        let branch = context.makeBranch()
        let part = try context.complete(prompt, on: branch, continuing: true, options: short) { piece in
            shown += piece
            if shown.count > 20 { context.cancellation.cancel() }
        }
        context.cancellation.reset()
        #expect(part.info.stopReason == .cancelled && part.text == shown && shown.count > 20)
        #expect(whole.text.hasPrefix(shown) && shown != whole.text)
        // Completing the same prompt on the same branch computes its last token alone.
        let again = try context.complete(prompt, on: branch, continuing: true, options: short) { _ in }
        #expect(again.text == whole.text && again.info.cachedTokens == prompt.count - 1)
    }

    @Test("Bad options are refused before anything is computed")
    func badOptions() throws {
        let context = try InferenceContext(model: model)
        let error = #expect(throws: EMLLMError.self) {
            try context.complete([1], on: context.makeBranch(), options: .init(stopStrings: ["a", ""])) { _ in }
        }
        #expect(error?.code == .invalidOption && error?.subject == "stop strings")
        #expect(context.counters.processedTokens == 0)
    }
}

import Foundation
import Synchronization
import Testing

@testable import EMLLMCore

/// Answers that are broken off: what they leave behind, and who may ask next.
@Suite("Cancelled answers")
struct SessionCancellationTests {
    private let model: EMLLMModel
    private let short = GenerationOptions(maximumResponseTokens: 4)
    /// The seed makes long answers, which do not end before they are broken off.
    private let long = GenerationOptions(maximumResponseTokens: 400)

    init() throws { model = try ChatModels.stories.get() }

    @Test("Leaving the loop over a stream frees the session at once")
    func leavingTheLoop() async throws {
        let session = try EMLLMSession(model: model)
        let expected = try await EMLLMSession(model: model).respond(to: "Once", options: short).content
        for round in 0..<60 {
            for try await _ in session.streamResponse(to: "Tell a story", options: long) { break }
            #expect(!session.isResponding)
            let answer = try await session.respond(to: [ChatMessage(role: .user, content: "Once")], options: short)
            #expect(answer.content == expected)
            #expect(session.transcript.count == 2, "round \(round)")
        }
    }

    @Test("So does leaving the loop over a stream that is kept in a variable; collecting it is cancelled then")
    func leavingAKeptStream() async throws {
        let session = try EMLLMSession(model: model)
        for _ in 0..<30 {
            let stream = session.streamResponse(to: "Tell a story", options: long)
            var pieces = 0
            for try await _ in stream {
                pieces += 1
                if pieces == 3 { break }
            }
            #expect(!session.isResponding)
            async let next = session.respond(to: [ChatMessage(role: .user, content: "Once")], options: short)
            await #expect(throws: CancellationError.self) { try await stream.collect() }
            _ = try await next
        }
    }

    @Test("A stream that is dropped unread stops")
    func droppedStream() async throws {
        let session = try EMLLMSession(model: model)
        for _ in 0..<30 {
            _ = session.streamResponse(to: "Tell a story", options: long)
            #expect(!session.isResponding)
        }
        _ = try await session.respond(to: "Once", options: short)
        #expect(session.transcript.map(\.content).first == "Once" && session.transcript.count == 2)
    }

    @Test("Cancelling the task that awaits a response throws CancellationError there, and frees the session at once")
    func cancelledTask() async throws {
        let session = try EMLLMSession(model: model, instructions: "Tell a story.")
        for round in 0..<60 {
            let task = Task { try await session.respond(to: "Tell a story", options: long) }
            // Cancelled before it begins, while it waits for its thread, and in the middle.
            if round % 3 > 0 { while !session.isResponding { await Task.yield() } }
            if round % 3 > 1 { try await Task.sleep(for: .milliseconds(2)) }
            task.cancel()
            #expect(!session.isResponding)
            let next = try await session.respond(to: [ChatMessage(role: .user, content: "Once")], options: short)
            #expect(next.info.generatedTokens == 4)
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(session.transcript.map(\.role) == [.user, .assistant])
        }
    }

    @Test("Cancelling the task that iterates throws CancellationError in it")
    func cancelledIteration() async throws {
        let session = try EMLLMSession(model: model)
        for _ in 0..<30 {
            let (started, signal) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                for try await _ in session.streamResponse(to: "Once", options: long) { signal.yield() }
            }
            for await _ in started { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(!session.isResponding && session.transcript.isEmpty)
            try await session.prewarm()
        }
    }

    @Test("Cancelling the task that collects throws CancellationError in it")
    func cancelledCollecting() async throws {
        let session = try EMLLMSession(model: model)
        let task = Task { try await session.streamResponse(to: "Once", options: long).collect() }
        while !session.isResponding { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await session.respond(to: "Once", options: short).info.generatedTokens == 4)
    }

    @Test("A second question while the first is being answered is refused, in every form")
    func busy() async throws {
        let session = try EMLLMSession(model: model)
        let stream = session.streamResponse(to: "Once", options: long)
        #expect(session.isResponding)
        let messages = [ChatMessage(role: .user, content: "More")]
        func isBusy(_ error: any Error) -> Bool { (error as? EMLLMError)?.code == .sessionBusy }
        await #expect { try await session.respond(to: "More") } throws: { isBusy($0) }
        await #expect { try await session.respond(to: messages) } throws: { isBusy($0) }
        await #expect { try await session.prewarm() } throws: { isBusy($0) }
        let second = session.streamResponse(to: messages)
        await #expect { for try await _ in second {} } throws: { isBusy($0) }
        await #expect { try await second.collect() } throws: { isBusy($0) }
        // Refusing others does not disturb the answer.
        #expect(try await stream.collect().content.isEmpty == false)
        #expect(session.transcript.map(\.content).first == "Once")
    }

    @Test("The question after a cancelled one keeps others out as well")
    func busyAfterCancelling() async throws {
        let session = try EMLLMSession(model: model)
        for try await _ in session.streamResponse(to: "Once", options: long) { break }
        let next = session.streamResponse(to: "Twice", options: long)
        await #expect { try await session.respond(to: "More") } throws: { error in
            (error as? EMLLMError)?.code == .sessionBusy
        }
        _ = try await next.collect()
        #expect(session.transcript.map(\.content).first == "Twice")
    }

    // MARK: The thread

    @Test("A job that waits for its turn is dropped as soon as its task is cancelled")
    func waitingJob() async throws {
        let thread = try InferenceThread(model: model)
        let gate = DispatchSemaphore(value: 0)
        let (running, signal) = AsyncStream.makeStream(of: Void.self)
        let first = Task {
            try await thread.run { _ in
                signal.yield()
                gate.wait()
                return "first"
            }
        }
        for await _ in running { break }
        let second = Task { try await thread.run { _ in "second" } }
        try await Task.sleep(for: .milliseconds(5))
        second.cancel()
        // The first job still holds the thread.
        await #expect(throws: CancellationError.self) { try await second.value }
        gate.signal()
        #expect(try await first.value == "first")
        #expect(try await thread.run { context in context.cancellation.isCancelled } == false)
    }

    @Test("The flag throws the library's error, the task's cancellation Swift's")
    func border() async throws {
        let thread = try InferenceThread(model: model)
        await #expect(throws: EMLLMError.cancelled) {
            try await thread.run { context in
                context.cancellation.cancel()
                _ = try context.extend(context.makeBranch(), with: [1])
            }
        }
        let (running, signal) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await thread.run { context in
                let branch = context.makeBranch()
                signal.yield()
                while true {
                    _ = try context.extend(branch, with: [1])
                    branch.rollback(to: 0)
                }
            }
        }
        for await _ in running { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // A body that swallows the error may return what it has.
        let kept = Task {
            try await thread.run { context in
                signal.yield()
                while !context.cancellation.isCancelled {}
                return 7
            }
        }
        try await Task.sleep(for: .milliseconds(20))
        kept.cancel()
        #expect(try await kept.value == 7)
    }
}

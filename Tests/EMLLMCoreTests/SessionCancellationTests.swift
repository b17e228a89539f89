import Foundation
import Synchronization
import Testing

@testable import EMLLMCore

/// Answers that are broken off: what they leave behind, and who may ask next.
@Suite("Cancelled answers")
struct SessionCancellationTests {
    private let model: EMLLMModel
    private let short = GenerationOptions(maximumResponseTokens: 4)
    private let long = GenerationOptions(maximumResponseTokens: 30)
    private let once = [ChatMessage(role: .user, content: "Once")]

    init() throws { model = try ChatModels.stories.get() }

    /// Holds an answer in the middle, so that it cannot be complete before it is broken off.
    private final class Gate: LogitsProcessor {
        private let isOpen = Atomic(false)
        func open() { isOpen.store(true, ordering: .relaxed) }
        func process(_ logits: inout Logits, prompt: [TokenID], generated: [TokenID]) {
            guard generated.count >= 8 else { return }
            while !isOpen.load(ordering: .relaxed) { usleep(100) }
        }
    }

    @Test("Leaving the loop over a stream frees the session at once")
    func leavingTheLoop() async throws {
        let session = try EMLLMSession(model: model)
        let expected = try await EMLLMSession(model: model).respond(to: once, options: short).content
        for _ in 0..<60 {
            let gate = Gate()
            for try await _ in session.streamResponse(to: "A story", options: long, logitsProcessor: gate) { break }
            #expect(!session.isResponding)
            // Asked while the thread is still in the other answer.
            async let next = session.respond(to: once, options: short)
            await Task.yield()
            gate.open()
            #expect(try await next.content == expected)
            #expect(session.transcript.count == 2)
        }
    }

    @Test("So does leaving the loop over a stream that is kept in a variable; collecting it is cancelled then")
    func leavingAKeptStream() async throws {
        let session = try EMLLMSession(model: model)
        for _ in 0..<30 {
            let gate = Gate()
            let stream = session.streamResponse(to: "A story", options: long, logitsProcessor: gate)
            var pieces = 0
            for try await _ in stream {
                pieces += 1
                if pieces == 3 { break }
            }
            #expect(!session.isResponding)
            gate.open()
            async let next = session.respond(to: once, options: short)
            await #expect(throws: CancellationError.self) { try await stream.collect() }
            #expect(try await next.info.generatedTokens == 4)
        }
    }

    @Test("A stream that is dropped unread stops")
    func droppedStream() async throws {
        let session = try EMLLMSession(model: model)
        let gate = Gate()
        for _ in 0..<30 {
            _ = session.streamResponse(to: "A story", options: long, logitsProcessor: gate)
            #expect(!session.isResponding)
        }
        gate.open()
        _ = try await session.respond(to: "Once", options: short)
        #expect(session.transcript.map(\.content).first == "Once" && session.transcript.count == 2)
    }

    @Test("Cancelling the task that awaits a response throws CancellationError there, and frees the session at once")
    func cancelledTask() async throws {
        let session = try EMLLMSession(model: model, instructions: "Tell a story.")
        for round in 0..<60 {
            let gate = Gate()
            let task = Task { try await session.respond(to: "A story", options: long, logitsProcessor: gate) }
            // Cancelled before it begins, as it begins, and in the middle.
            if round % 3 > 0 { while !session.isResponding { await Task.yield() } }
            if round % 3 > 1 { try await Task.sleep(for: .milliseconds(3)) }
            task.cancel()
            #expect(!session.isResponding)
            async let next = session.respond(to: once, options: short)
            await Task.yield()
            gate.open()
            #expect(try await next.info.generatedTokens == 4)
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(session.transcript.map(\.role) == [.user, .assistant])
        }
    }

    @Test("Cancelling the task that iterates throws CancellationError in it")
    func cancelledIteration() async throws {
        let session = try EMLLMSession(model: model)
        for _ in 0..<30 {
            let gate = Gate()
            let (started, signal) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                for try await _ in session.streamResponse(to: "Once", options: long, logitsProcessor: gate) {
                    signal.yield()
                }
            }
            for await _ in started { break }
            task.cancel()
            // Before the thread has noticed.
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(!session.isResponding && session.transcript.isEmpty)
            gate.open()
            try await session.prewarm()
        }
    }

    @Test("Cancelling the task that collects throws CancellationError in it")
    func cancelledCollecting() async throws {
        let session = try EMLLMSession(model: model)
        let gate = Gate()
        let task = Task {
            try await session.streamResponse(to: "Once", options: long, logitsProcessor: gate).collect()
        }
        while !session.isResponding { await Task.yield() }
        task.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await session.respond(to: "Once", options: short).info.generatedTokens == 4)
    }

    @Test("A second question while the first is being answered is refused, in every form")
    func busy() async throws {
        let session = try EMLLMSession(model: model)
        let gate = Gate()
        let stream = session.streamResponse(to: "Once", options: long, logitsProcessor: gate)
        #expect(session.isResponding)
        func isBusy(_ error: any Error) -> Bool { (error as? EMLLMError)?.code == .sessionBusy }
        await #expect { try await session.respond(to: "More") } throws: { isBusy($0) }
        await #expect { try await session.respond(to: once) } throws: { isBusy($0) }
        await #expect { try await session.prewarm() } throws: { isBusy($0) }
        let second = session.streamResponse(to: once)
        await #expect { for try await _ in second {} } throws: { isBusy($0) }
        await #expect { try await second.collect() } throws: { isBusy($0) }
        // Refusing others does not disturb the answer.
        gate.open()
        #expect(try await stream.collect().info.generatedTokens == 30)
        #expect(session.transcript.map(\.content).first == "Once")
    }

    @Test("The question after a cancelled one keeps others out as well")
    func busyAfterCancelling() async throws {
        let session = try EMLLMSession(model: model)
        let gate = Gate()
        for try await _ in session.streamResponse(to: "Once", options: long, logitsProcessor: gate) { break }
        let next = session.streamResponse(to: "Twice", options: short)
        await #expect { try await session.respond(to: "More") } throws: { error in
            (error as? EMLLMError)?.code == .sessionBusy
        }
        gate.open()
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
        for await _ in running { break }
        kept.cancel()
        #expect(try await kept.value == 7)
    }
}

import EMLLMCore
import Testing

@testable import SelfEvalDecode

@Suite("Sampling options of a run")
struct SamplingOptionsTests {
    @Test("Stop strings are refused, since steps have boundaries of their own")
    func stopStrings() throws {
        var options = SelfEvalOptions()
        try options.validate()
        options.sampling.stopStrings = ["\n"]
        let error = #expect(throws: EMLLMError.self) { try options.validate() }
        #expect(error?.code == .invalidSelfEvalOption && error?.description.contains("sampling.stopStrings") == true)
    }

    @Test("A run draws with its own seed, whether the sampling has one or not", arguments: [nil, 5] as [UInt64?])
    func seeds(seed: UInt64?) {
        let options = SelfEvalOptions(sampling: GenerationOptions(samplingMode: .random(top: 40, seed: seed)), seed: 7)
        #expect(options.primarySampling.samplingMode == .random(top: 40, seed: 7))
    }
}

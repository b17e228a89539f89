import EMLLMCore
import EMLLMModelStore
import Foundation
import SelfEvalDecode

// usage: solve PICTURE QUESTION
let arguments = CommandLine.arguments
let picture = try ImageDecoder().decode(contentsOf: URL(filePath: arguments[1]))
let decoder = try SelfEvalDecoder(model: .bundled())
for try await event in decoder.events(for: arguments[2], images: [picture]) {
    switch event {
    case .candidate(let step): print(step.text, terminator: "")
    case .evaluation(_, let evaluation): print("   score \(evaluation.score ?? 0)")
    case .answer(let answer): print("Answer: \(answer.text)")
    default: break
    }
}

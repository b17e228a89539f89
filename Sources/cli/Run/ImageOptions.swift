import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation

/// The pictures that a question shows.
struct ImageOptions: ParsableArguments {
    @Option(
        name: .customLong("image"),
        help: ArgumentHelp(
            "A PNG or JPEG picture for the question, or '-' for standard input. May be given several times.",
            valueName: "file"
        ),
        completion: .pictures
    )
    var images: [String] = []

    @Flag(help: "Accept truncated or damaged pictures, and use what can be decoded of them.")
    var allowTruncatedImages = false

    @Option(help: "The maximum number of pixels in a picture (default: 67108864).")
    var maxImagePixels: Int?

    func validate(question: String?) throws {
        let piped = images.filter { $0 == "-" }.count
        guard piped <= 1 else {
            throw ValidationError("--image -: expected once, found \(piped) times; name files for the others")
        }
        guard piped == 0 || (question != nil && question != "-") else {
            throw ValidationError("--image - reads the picture from standard input; give the question as an argument")
        }
        if let maxImagePixels, !(1...(1 << 40)).contains(maxImagePixels) {
            throw ValidationError(
                "--max-image-pixels: expected at least 1, found \(maxImagePixels); choose another value"
            )
        }
        if images.isEmpty, allowTruncatedImages || maxImagePixels != nil {
            throw ValidationError("--allow-truncated-images and --max-image-pixels do nothing without --image")
        }
    }

    /// Decodes the pictures.
    func load() throws -> [RGBImage] {
        var decoder = ImageDecoder()
        decoder.allowsTruncated = allowTruncatedImages
        if let maxImagePixels { decoder.maximumPixels = maxImagePixels }
        return try images.map { path in
            do {
                guard path == "-" else { return try decoder.decode(contentsOf: URL(filePath: path)) }
                return try decoder.decode(try StandardStreams.readData(), subject: "standard input")
            } catch let error as EMLLMError {
                throw Self.withOption(error)
            }
        }
    }

    /// The library's error with the name of the option that helps.
    private static func withOption(_ error: EMLLMError) -> EMLLMError {
        let remedy: String
        switch error.code {
        case .imageTooLarge: remedy = "scale the picture down, or raise --max-image-pixels"
        case .damagedImage: remedy = "fetch it again, or add --allow-truncated-images"
        case .fileNotFound: remedy = "check the path of the picture"
        default: return error
        }
        let expected = error.code == .fileNotFound ? "a picture" : error.expected
        return EMLLMError(
            code: error.code,
            subject: error.subject,
            expected: expected,
            found: error.found,
            remedy: remedy
        )
    }
}

import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation
import SelfEvalDecode

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
                "--max-image-pixels: expected 1 to \(1 << 40), found \(maxImagePixels); choose another value"
            )
        }
        if images.isEmpty, allowTruncatedImages || maxImagePixels != nil {
            throw ValidationError("--allow-truncated-images and --max-image-pixels do nothing without --image")
        }
    }

    /// Decodes the pictures of a recorded run: those that are named, else where they were when it was recorded.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` that names the picture which is missing.
    func load(for trace: Trace) throws -> [RGBImage] {
        let wanted = trace.header.images?.count ?? 0
        guard images.isEmpty, wanted > 0 else { return try load() }
        let names = trace.header.imageNames ?? []
        guard names.count == wanted else { throw EMLLMError.unnamedPictures(wanted) }
        for name in names where !FileManager.default.fileExists(atPath: name) {
            throw EMLLMError.missingPicture(name)
        }
        return try load(names)
    }

    /// Decodes the pictures.
    func load() throws -> [RGBImage] { try load(images) }

    private func load(_ images: [String]) throws -> [RGBImage] {
        var decoder = ImageDecoder()
        decoder.allowsTruncated = allowTruncatedImages
        if let maxImagePixels { decoder.maximumPixels = maxImagePixels }
        return try images.map { path in
            do {
                guard path == "-" else { return try decoder.decode(contentsOf: URL(filePath: path)) }
                return try decoder.decode(try piped(decoder), subject: "standard input")
            } catch let error as EMLLMError {
                throw Self.withOption(error)
            }
        }
    }

    /// A picture on standard input, of which no more is read than a picture may have.
    private func piped(_ decoder: ImageDecoder) throws -> Data {
        let data = try StandardStreams.readData(atMost: decoder.maximumBytes)
        guard !data.isEmpty else { throw EMLLMError.noPictureOnInput }
        return data
    }

    /// The library's error with the name of the option that helps.
    private static func withOption(_ error: EMLLMError) -> EMLLMError {
        let remedy: String
        switch error.code {
        case .imageTooLarge: remedy = "scale the picture down, or raise --max-image-pixels"
        case .damagedImage: remedy = "fetch it again, or add --allow-truncated-images"
        default: return error
        }
        return EMLLMError(
            code: error.code,
            subject: error.subject,
            expected: error.expected,
            found: error.found,
            remedy: remedy
        )
    }
}

extension EMLLMError {
    fileprivate static func missingPicture(_ name: String) -> EMLLMError {
        EMLLMError(
            code: .fileNotFound,
            subject: name,
            expected: "the picture of the recorded run",
            found: "no such file",
            remedy: "name it with --image"
        )
    }

    fileprivate static func unnamedPictures(_ count: Int) -> EMLLMError {
        EMLLMError(
            code: .fileNotFound,
            subject: "recorded run",
            expected: "the \(count == 1 ? "picture" : "\(count) pictures") that it saw",
            found: "a trace that does not name them",
            remedy: "name them with --image, in their order"
        )
    }

    fileprivate static let noPictureOnInput = EMLLMError(
        code: .emptyFile,
        subject: "standard input",
        expected: "a picture",
        found: "nothing",
        remedy: "pipe a PNG or JPEG file into it"
    )
}

import CImageCodecs
import Foundation
import Logging

/// Decodes PNG and JPEG into 8-bit RGB, with the same samples as Pillow.
///
/// ```swift
/// let image = try ImageDecoder().decode(contentsOf: URL(filePath: "figure.png"))
/// ```
///
/// It reads every PNG colour type and bit depth, and baseline and progressive JPEG in grey, YCbCr, RGB, CMYK and YCCK.
/// Gamma and colour profiles are ignored, as in the models' own preprocessing. 16-bit samples keep their high byte. The
/// EXIF orientation is applied. Nothing in a file is trusted: the size is checked against ``maximumPixels`` before
/// memory is allocated, and incomplete data is an error unless ``allowsTruncated`` is set.
public struct ImageDecoder: Sendable {
    /// How transparency is handled.
    public enum Transparency: Sendable, Equatable {
        /// Ignores the transparency and keeps the colour: Pillow's `convert("RGB")`, which most families use.
        case ignored
        /// Composites the picture onto a colour, like Pillow's `alpha_composite`.
        case composited(red: UInt8, green: UInt8, blue: UInt8)

        /// Composites the picture onto white.
        public static var white: Transparency { .composited(red: 255, green: 255, blue: 255) }
    }

    /// The maximum number of pixels; 2²⁶, about 67 million, by default.
    public var maximumPixels = 1 << 26
    /// The maximum size of a file in bytes; 2²⁸, about 268 million, by default.
    public var maximumBytes = 1 << 28
    /// Whether truncated or corrupt pictures are accepted with what could be decoded. The rest gets the format's
    /// default: in a PNG, it is transparent, so that ``transparency`` determines its colour; in a JPEG, it is the grey
    /// of blocks without data, or repeats the last whole block.
    public var allowsTruncated = false
    /// How transparency is handled; by default, pictures are composited onto white.
    public var transparency = Transparency.white
    /// Whether the EXIF orientation is applied.
    public var appliesOrientation = true

    /// The logger for warnings about data that was repaired, skipped or lost.
    public var logger = Logger(label: "emllm.images")

    /// Makes a decoder with the documented limits.
    public init() {}

    /// Decodes a file or pipe, which is read into memory.
    ///
    /// - Throws: `EMLLMError`, one code for each defect.
    public func decode(contentsOf url: URL) throws -> RGBImage {
        try decode(InputFile.read(url, what: "a picture", atMost: maximumBytes), subject: url.path)
    }

    /// Decodes bytes, such as those from standard input.
    ///
    /// - Parameters:
    ///   - data: the file's bytes.
    ///   - subject: the name for the data in errors.
    /// - Throws: `EMLLMError`, one code for each defect.
    public func decode(_ data: Data, subject: String = "image") throws -> RGBImage {
        try data.withUnsafeBytes { try decode($0, subject: subject) }
    }

    private func decode(_ file: UnsafeRawBufferPointer, subject: String) throws -> RGBImage {
        guard file.count <= maximumBytes else {
            throw EMLLMError.imageTooLarge(
                .imageFileTooLarge,
                subject: subject,
                what: "bytes",
                most: maximumBytes,
                found: "\(file.count)",
                option: "maximumBytes"
            )
        }
        let format = try ImageFormat(file, subject: subject)
        let bytes = file.bindMemory(to: UInt8.self)
        var report = ic_report()
        var header = ic_header()
        let isPNG = format == .png
        defer { ic_release(&report) }
        let headerStatus =
            isPNG
            ? ic_png_header(bytes.baseAddress, bytes.count, &header, &report)
            : ic_jpeg_header(bytes.baseAddress, bytes.count, &header, &report)
        guard headerStatus == IC_OK else { throw Self.error(headerStatus, report, subject, byteCount: bytes.count) }
        ic_release(&report)
        let (width, height) = (Int(header.width), Int(header.height))
        let (count, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow, count <= maximumPixels else {
            throw EMLLMError.imageTooLarge(
                subject: subject,
                what: "pixels",
                most: maximumPixels,
                found: "\(width) × \(height)",
                option: "maximumPixels"
            )
        }
        let channels = header.pixels == IC_RGB ? 3 : 4
        var samples = [UInt8](repeating: 0, count: count * channels)
        let status = samples.withUnsafeMutableBufferPointer { target in
            isPNG
                ? ic_png_decode(bytes.baseAddress, bytes.count, target.baseAddress, target.count, &report)
                : ic_jpeg_decode(bytes.baseAddress, bytes.count, target.baseAddress, target.count, &report)
        }
        guard status == IC_OK || (status == IC_LOST_DATA && allowsTruncated) else {
            throw Self.error(status, report, subject, byteCount: samples.count)
        }
        log(status, report, subject, isSequence: format.isSequence(file, trailingBytes: Int(report.trailing_bytes)))
        let rgb =
            switch header.pixels {
            case IC_RGBA: PixelConversion.rgb(rgba: samples, transparency)
            case IC_INVERTED_CMYK: PixelConversion.rgb(invertedCMYK: samples)
            default: samples
            }
        let image = RGBImage(width: width, height: height, pixels: rgb)
        guard appliesOrientation, let exif = report.exif else { return image }
        return image.oriented(
            ImageOrientation.read(UnsafeRawBufferPointer(start: exif, count: report.exif_length))
        )
    }

    private func log(_ status: ic_status, _ report: ic_report, _ subject: String, isSequence: Bool) {
        if status == IC_LOST_DATA {
            logger.warning("\(subject): data was lost (\(Self.text(report.error))); decoded what there was")
        } else if report.warnings > 0 {
            let more = report.warnings > 1 ? ", and \(report.warnings - 1) more" : ""
            logger.warning("\(subject): \(Self.text(report.warning))\(more)")
        }
        if isSequence {
            logger.warning("\(subject): a sequence of pictures; took the first")
        } else if report.trailing_bytes > 0 {
            logger.warning("\(subject): \(report.trailing_bytes) bytes after the end of the picture were ignored")
        }
    }

    private static func error(
        _ status: ic_status,
        _ report: ic_report,
        _ subject: String,
        byteCount: Int
    ) -> EMLLMError {
        switch status {
        case IC_NO_MEMORY: .outOfMemory(subject: subject, byteCount: byteCount)
        case IC_LOST_DATA: .damagedImage(subject: subject, reason: text(report.error))
        default: .unreadableImage(subject: subject, reason: text(report.error))
        }
    }

    /// A message of the codec libraries, a C string in an array, as one line.
    private static func text<Message>(_ message: Message) -> String {
        withUnsafeBytes(of: message) { bytes in
            let characters = bytes.prefix { $0 != 0 }
            let line = String(decoding: characters, as: UTF8.self)
            return String(line.map { $0.isNewline ? " " : $0 })
        }
    }
}

extension EMLLMError.Code {
    /// A file that is neither PNG nor JPEG.
    public static let unsupportedImageFormat = Self(rawValue: "unsupported-image-format")
    /// A picture with more pixels than the limit.
    public static let imageTooLarge = Self(rawValue: "image-too-large")
    /// A picture file with more bytes than the limit.
    public static let imageFileTooLarge = Self(rawValue: "image-file-too-large")
    /// A header that cannot be read.
    public static let unreadableImage = Self(rawValue: "unreadable-image")
    /// A truncated or corrupt picture.
    public static let damagedImage = Self(rawValue: "damaged-image")
}

extension EMLLMError {
    static func unsupportedImageFormat(subject: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .unsupportedImageFormat,
            subject: subject,
            expected: "a PNG or JPEG picture",
            found: found,
            remedy: "convert it to one of the two"
        )
    }

    static func imageTooLarge(
        _ code: Code = .imageTooLarge,
        subject: String,
        what: String,
        most: Int,
        found: String,
        option: String
    ) -> EMLLMError {
        EMLLMError(
            code: code,
            subject: subject,
            expected: "at most \(most) \(what)",
            found: found,
            remedy: "scale the picture down, or raise \(option)"
        )
    }

    static func unreadableImage(subject: String, reason: String) -> EMLLMError {
        EMLLMError(
            code: .unreadableImage,
            subject: subject,
            expected: "a readable picture",
            found: reason,
            remedy: "save or fetch the picture again"
        )
    }

    static func damagedImage(subject: String, reason: String) -> EMLLMError {
        EMLLMError(
            code: .damagedImage,
            subject: subject,
            expected: "a whole picture",
            found: "a truncated or corrupt one (\(reason))",
            remedy: "fetch it again, or allow truncated images"
        )
    }
}

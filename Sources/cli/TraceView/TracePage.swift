import EMLLMCore
import Foundation
import SelfEvalDecode

/// A trace as a page for a browser.
///
/// The page is one file: it requests nothing from a server and runs no script, which a content security policy
/// enforces. The same trace always gives the same bytes.
public enum TracePage {
    /// The page of a trace.
    ///
    /// - Parameters:
    ///   - trace: the trace; a truncated one is shown as far as it goes.
    ///   - images: the question's pictures in order, as their files' bytes with their media types. PNG, JPEG, GIF and
    ///     WebP are shown; a note replaces other and missing pictures.
    public static func html(_ trace: Trace, images: [(data: Data, type: String)]) -> String {
        let outline = TraceOutline(trace)
        var page = HTML(literal: "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        page += HTML(literal: policy)
        page += HTML(
            literal: """
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <meta name="referrer" content="no-referrer">

                """
        )
        page += Tag.title { "Trace: \(Wording.shown(trace.header.question).prefix(80))" }
        page += Tag.style { HTML(literal: PageStyle.sheet) }
        page += HTML(literal: "</head>\n")
        page += Tag.body { body(outline, images) }
        page += HTML(literal: "</html>\n")
        return page.markup
    }

    /// Nothing may be loaded from anywhere, and no script may run. Styles and pictures are in the page.
    private static let policy: StaticString = """
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
        base-uri 'none'; form-action 'none'">

        """

    private static func body(_ outline: TraceOutline, _ images: [(data: Data, type: String)]) -> HTML {
        let trace = outline.trace
        let overview = Overview(outline: outline)
        return Tag.main {
            Tag.div(.class("intro")) {
                Tag.section(.class("question"), .labelled(by: .section("question"))) {
                    Tag.p(.class("eyebrow")) {
                        "\(trace.header.options.strategy.rawValue) · "
                        Wording.brief(trace.header.model.provenance.name, length: 60)
                    }
                    Tag.h1(
                        .id(.section("question")),
                        .ownDirection,
                        .class(trace.header.question.count > 160 ? "long" : nil)
                    ) {
                        Wording.shown(trace.header.question)
                    }
                    Pictures.figures(images, of: trace.header)
                }
                overview.outcome()
            }
            overview.glance()
            Tag.section(.labelled(by: .section("steps"))) {
                Tag.h2(.id(.section("steps"))) { "Steps" }
                Tag.p(.class("note")) { legend(trace) }
                trace.nodes.isEmpty ? Tag.p(.class("note")) { "Nothing was written." } : StepCards(outline).tree()
                end(of: trace)
            }
            RunDetails(trace: trace).sections()
        }
    }

    private static func legend(_ trace: Trace) -> String {
        let options = trace.header.options
        let layout =
            "\(Wording.procedure(options.strategy)) The line that stands runs down the left. Beside it is what else was written "
            + "in the same place."
        // A vote without evaluations has no bars to explain.
        guard trace.nodes.contains(where: { $0.evaluation?.score != nil }) else { return layout }
        return layout + " A bar shows a step's score: \(Wording.score(madeOf: options)). Its ticks are the thresholds."
    }

    private static func end(of trace: Trace) -> HTML? {
        if trace.summary == nil { return Tag.p(.class("banner")) { "The record breaks off here." } }
        if trace.answer == nil { return Tag.p(.class("banner")) { "The run was cancelled here." } }
        return nil
    }
}

/// The pictures of a question.
enum Pictures {
    static func figures(_ images: [(data: Data, type: String)], of header: TraceHeader) -> HTML? {
        let known = header.images ?? []
        guard !images.isEmpty || !known.isEmpty else { return nil }
        // If one is missing, it is unknown which is which.
        let isComplete = images.count == known.count
        let names = header.imageNames ?? []
        return Tag.div(.class("pictures")) {
            for (index, image) in images.enumerated() {
                let name =
                    isComplete && names.indices.contains(index)
                    ? names[index].split(separator: "/").last.map(String.init) : nil
                let usage = isComplete ? known[index] : nil
                Tag.figure {
                    if let source = Attribute.source(image.data, type: image.type) {
                        Tag.img(source, .alternative(name ?? "Picture \(index + 1)"))
                    } else {
                        Tag.p(.class("banner")) { "A picture of type \(image.type) is not shown." }
                    }
                    Tag.figcaption { [name, usage.map(caption)].compactMap { $0 }.joined(separator: " · ") }
                }
            }
            if images.count < known.count {
                Tag.p(.class("note")) {
                    "The question shows \(Wording.count(known.count, "picture")), of which \(images.count) are in this page."
                }
            }
        }
    }

    private static func caption(_ usage: ImageUsage) -> String {
        let time = usage.wasReused ? "features from memory" : "encoded in \(Wording.seconds(usage.encodeSeconds))"
        return "\(Wording.count(usage.tokens, "token")) · \(time) · \(usage.contentHash.prefix(12))…"
    }
}

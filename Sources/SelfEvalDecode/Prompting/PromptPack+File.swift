import EMLLMCore
import Foundation
import Yams

extension PromptPack {
    /// The built-in pack called `name`, or the pack in the YAML or JSON file at that path.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when there is neither, and the errors of ``init(yaml:path:)``.
    public static func named(_ name: String) throws -> PromptPack {
        if let pack = builtIn.first(where: { $0.name == name }) { return pack }
        guard let data = FileManager.default.contents(atPath: name) else {
            throw EMLLMError.noSuchPack(name, known: builtIn.map(\.name))
        }
        guard data.count <= PackFile.mostBytes, let text = String(data: data, encoding: .utf8) else {
            throw EMLLMError.invalidPack(
                name,
                line: nil,
                expected: "UTF-8 text of at most \(PackFile.mostBytes) bytes",
                found: "\(data.count) bytes of something else"
            )
        }
        return try PromptPack(yaml: text, path: name)
    }

    /// The pack of a model that replaces a built-in one: the file `MODEL.NAME.yaml` beside `MODEL.emllm`.
    ///
    /// A model that was trained to evaluate its steps has learnt particular words for it.
    ///
    /// - Parameters:
    ///   - model: the model's file.
    ///   - name: the built-in pack's: `cas-seat` or `seat`.
    /// - Returns: `nil` if there is no such file.
    /// - Throws: the errors of ``init(yaml:path:)``.
    public static func besides(_ model: URL, named name: String) throws -> PromptPack? {
        let url = model.deletingPathExtension().appendingPathExtension("\(name).yaml")
        return FileManager.default.fileExists(atPath: url.path) ? try named(url.path) : nil
    }

    /// Reads a pack from YAML, or from JSON.
    ///
    /// - Parameters:
    ///   - yaml: the text.
    ///   - path: what error messages call it.
    /// - Throws: ``/EMLLMCore/EMLLMError`` with the line of a key that is missing, is unknown, or has an invalid text.
    public init(yaml: String, path: String = "prompt pack") throws {
        let file = try PackFile(yaml, path: path)
        var base: PromptPack?
        if let name = try file.root.text("extends", isNeeded: false) {
            guard let found = Self.builtIn.first(where: { $0.name == name.text }) else {
                let known = Self.builtIn.map(\.name).joined(separator: " or ")
                throw EMLLMError.invalidPack(path, line: name.line, expected: "extends: \(known)", found: name.text)
            }
            base = found
        }
        let root = file.root
        func text(_ key: String, _ inherited: KeyPath<PromptPack, String>) throws -> String {
            try root.text(key, isNeeded: base == nil)?.text ?? base?[keyPath: inherited] ?? ""
        }
        let defaults = base ?? PromptPack()
        func patterns() throws -> [String]? { try root.textOrTexts("answer_pattern", isNeeded: base == nil) }
        self.init(
            name: try root.text("name", isNeeded: true)?.text ?? "",
            system: try root.optionalText("system", default: defaults.system),
            reason: try text("reason", \.reason),
            evaluate: try text("evaluate", \.evaluate),
            evaluateChain: try text("evaluate_chain", \.evaluateChain),
            reflect: try text("reflect", \.reflect),
            refine: try text("refine", \.refine),
            rework: try text("rework", \.rework),
            answer: try text("answer", \.answer),
            answerPattern: try patterns()?.first ?? defaults.answerPattern,
            furtherAnswerPatterns: try patterns().map { Array($0.dropFirst()) } ?? defaults.furtherAnswerPatterns,
            chainEnds: try root.chainEnds("chain_ends") ?? base?.chainEnds ?? Set(ChainEnd.allCases),
            verdict: try root.section("verdict", isNeeded: base == nil).map { try VerdictWords(section: $0) }
                ?? defaults.verdict,
            emptyStep: try root.optionalText("empty_step", isNeeded: base == nil, default: defaults.emptyStep),
            step: try root.section("step", isNeeded: false).map { try StepSegmenter(section: $0, defaults.step) }
                ?? defaults.step,
            markers: try root.section("markers", isNeeded: false)
                .map { try EvaluationMarkers(section: $0, defaults.markers) } ?? defaults.markers
        )
        try root.checkKeys([
            "name", "extends", "system", "reason", "evaluate", "evaluate_chain", "reflect", "refine", "rework",
            "answer",
            "answer_pattern", "chain_ends", "verdict", "empty_step", "step", "markers",
        ])
        if let defect = firstDefect {
            throw EMLLMError.invalidPack(
                path,
                line: file.line(of: defect.key),
                expected: "\(defect.key): \(defect.expected)",
                found: defect.found
            )
        }
        do {
            try step.validate()
        } catch let error as EMLLMError {
            let line = file.line(of: "step")
            throw EMLLMError.invalidPack(path, line: line, expected: "step: \(error.expected)", found: error.found)
        }
    }

    /// The pack as YAML, as a starting point for a pack of your own.
    public func yaml() throws -> String {
        func map(_ pairs: [(String, Node)]) -> Node { Node(pairs.map { (Node($0.0), $0.1) }, .implicit, .block) }
        func quoted(_ text: String) -> Node {
            Node.scalar(.init(text, .implicit, text.contains("\n") ? .literal : .doubleQuoted))
        }
        func words(_ values: [String]) -> Node { Node.sequence(.init(values.map(quoted), .implicit, .flow)) }
        let node = map([
            ("name", Node(name)), ("system", system.map(quoted) ?? Node("null")), ("reason", quoted(reason)),
            ("evaluate", quoted(evaluate)), ("evaluate_chain", quoted(evaluateChain)), ("reflect", quoted(reflect)),
            ("refine", quoted(refine)), ("rework", quoted(rework)), ("answer", quoted(answer)),
            (
                "answer_pattern",
                furtherAnswerPatterns.isEmpty
                    ? quoted(answerPattern) : words([answerPattern] + furtherAnswerPatterns)
            ),
            ("chain_ends", words(chainEnds.map(\.rawValue).sorted())),
            ("verdict", map([("positive", quoted(verdict.positive)), ("negative", quoted(verdict.negative))])),
            ("empty_step", emptyStep.map(quoted) ?? Node("null")),
            (
                "step",
                map([
                    ("boundaries", words(step.boundaries.map(\.rawValue).sorted())),
                    ("delimiters", words(step.delimiters)),
                    ("minimum_tokens", Node("\(step.minimumTokens)")),
                    ("maximum_tokens", Node("\(step.maximumTokens)")),
                ])
            ),
            (
                "markers",
                map([
                    ("start", quoted(markers.start)), ("verdict", quoted(markers.verdict)),
                    ("accept", quoted(markers.accept)), ("refine", quoted(markers.refine)),
                    ("end", quoted(markers.end)),
                ])
            ),
        ])
        return try Yams.serialize(node: node, width: -1, allowUnicode: true)
    }
}

extension PromptPack.VerdictWords {
    fileprivate init(section: PackFile.Section) throws {
        self.init(
            positive: try section.text("positive", isNeeded: true)?.text ?? "",
            negative: try section.text("negative", isNeeded: true)?.text ?? ""
        )
        try section.checkKeys(["positive", "negative"])
    }
}

extension StepSegmenter {
    fileprivate init(section: PackFile.Section, _ defaults: StepSegmenter) throws {
        var rule = defaults
        if let names = try section.texts("boundaries") {
            rule.boundaries = try Set(
                names.map { name in
                    guard let boundary = StepBoundary(rawValue: name.text) else {
                        let known = StepBoundary.allCases.map(\.rawValue).joined(separator: ", ")
                        throw section.invalid(name.line, "boundaries out of \(known)", name.text)
                    }
                    return boundary
                }
            )
        }
        if let texts = try section.texts("delimiters") { rule.delimiters = texts.map(\.text) }
        if let count = try section.integer("minimum_tokens") { rule.minimumTokens = count }
        if let count = try section.integer("maximum_tokens") { rule.maximumTokens = count }
        try section.checkKeys(["boundaries", "delimiters", "minimum_tokens", "maximum_tokens"])
        self = rule
    }
}

extension EvaluationMarkers {
    fileprivate init(section: PackFile.Section, _ defaults: EvaluationMarkers) throws {
        func text(_ key: String, _ inherited: String) throws -> String {
            try section.text(key, isNeeded: false)?.text ?? inherited
        }
        self.init(
            start: try text("start", defaults.start),
            verdict: try text("verdict", defaults.verdict),
            accept: try text("accept", defaults.accept),
            refine: try text("refine", defaults.refine),
            end: try text("end", defaults.end)
        )
        try section.checkKeys(["start", "verdict", "accept", "refine", "end"])
    }
}

/// A file of nested keys and texts that knows its lines.
private struct PackFile {
    static let mostBytes = 1 << 18
    /// Keys of earlier versions and their current names.
    static let formerKeys = ["review": "evaluate_chain"]
    /// Deeper than any pack. The YAML reader recurses for each level.
    private static let mostLevels = 64

    let root: Section

    init(_ source: String, path: String) throws {
        var text = source.unicodeScalars.first == "\u{FEFF}" ? String(source.unicodeScalars.dropFirst()) : source
        // In JSON, a tab is white space and can occur nowhere else; YAML does not accept it as indentation.
        let isJSON = text.first { !$0.isWhitespace } == "{"
        if isJSON { text = text.replacingOccurrences(of: "\t", with: " ") }
        try Self.checkDepth(text, path: path)
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw EMLLMError.invalidPack(path, line: nil, expected: "YAML or JSON", found: "\(error)")
        }
        guard case .mapping(let mapping)? = node else {
            throw EMLLMError.invalidPack(path, line: 1, expected: "keys with values", found: "something else")
        }
        root = try Section(mapping, line: 1, path: path, renamed: Self.formerKeys)
    }

    private static func checkDepth(_ text: String, path: String) throws {
        var (depth, line) = (0, 1)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "[", "{": depth += 1
            case "]", "}": depth -= 1
            case "\n": line += 1
            default: break
            }
            guard depth <= mostLevels else {
                throw EMLLMError.invalidPack(path, line: line, expected: "at most \(mostLevels) levels", found: "more")
            }
        }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let opening = line.prefix { " -?\t".contains($0) }
            guard opening.count <= 4 * mostLevels else {
                let expected = "at most \(mostLevels) levels"
                throw EMLLMError.invalidPack(path, line: index + 1, expected: expected, found: "more")
            }
        }
    }

    /// The line of a key such as `verdict.positive`; the line of its section if the key is absent.
    func line(of key: String) -> Int? {
        let parts = key.split(separator: ".").map(String.init)
        guard let first = parts.first, let entry = root.entries[first] else { return nil }
        guard parts.count > 1, case .mapping(let inner) = entry.node,
            let found = inner.first(where: { $0.key.scalar?.string == parts[1] })
        else { return entry.line }
        return found.key.mark?.line
    }

    struct Section {
        let entries: [String: (node: Node, line: Int)]
        private let line: Int
        private let path: String

        init(_ mapping: Node.Mapping, line: Int, path: String, renamed: [String: String] = [:]) throws {
            var entries: [String: (Node, Int)] = [:]
            for (key, value) in mapping {
                let place = key.mark?.line ?? line
                guard let name = key.scalar?.string else {
                    throw EMLLMError.invalidPack(
                        path,
                        line: place,
                        expected: "a word as a key",
                        found: "something else"
                    )
                }
                entries[name] = (value, place)
            }
            for (former, name) in renamed where entries[name] == nil {
                entries[name] = entries.removeValue(forKey: former)
            }
            self.entries = entries
            self.line = line
            self.path = path
        }

        func invalid(_ line: Int, _ expected: String, _ found: String) -> EMLLMError {
            EMLLMError.invalidPack(path, line: line, expected: expected, found: found)
        }

        func text(_ key: String, isNeeded: Bool) throws -> (text: String, line: Int)? {
            guard let (node, place) = entries[key] else {
                if isNeeded { throw invalid(line, "the key \(key)", "no such key") }
                return nil
            }
            guard let text = node.scalar?.string else { throw invalid(place, "\(key): one text", "something else") }
            return (text, place)
        }

        /// A text that may be absent, and is then inherited, or null for none.
        func optionalText(_ key: String, isNeeded: Bool = false, default inherited: String?) throws -> String? {
            guard let found = try text(key, isNeeded: isNeeded) else { return inherited }
            let isNull = entries[key]?.node.scalar?.style == .plain && ["", "~", "null"].contains(found.text)
            return isNull ? nil : found.text
        }

        func texts(_ key: String) throws -> [(text: String, line: Int)]? {
            guard let (node, place) = entries[key] else { return nil }
            guard case .sequence(let items) = node else { throw invalid(place, "\(key): a list", "something else") }
            return try items.map { item in
                guard let text = item.scalar?.string else { throw invalid(place, "\(key): a list of texts", "others") }
                return (text, item.mark?.line ?? place)
            }
        }

        /// One text, or a list of at least one.
        func textOrTexts(_ key: String, isNeeded: Bool) throws -> [String]? {
            guard let (node, place) = entries[key], case .sequence = node else {
                return try text(key, isNeeded: isNeeded).map { [$0.text] }
            }
            guard let found = try texts(key), !found.isEmpty else {
                throw invalid(place, "\(key): one text, or a list of texts", "an empty list")
            }
            return found.map(\.text)
        }

        func chainEnds(_ key: String) throws -> Set<PromptPack.ChainEnd>? {
            try texts(key).map { names in
                try Set(
                    names.map { name in
                        guard let end = PromptPack.ChainEnd(rawValue: name.text) else {
                            let known = PromptPack.ChainEnd.allCases.map(\.rawValue).joined(separator: ", ")
                            throw invalid(name.line, "\(key) out of \(known)", name.text)
                        }
                        return end
                    }
                )
            }
        }

        func integer(_ key: String) throws -> Int? {
            guard let (text, place) = try text(key, isNeeded: false) else { return nil }
            guard let number = Int(text) else { throw invalid(place, "\(key): a whole number", text) }
            return number
        }

        func section(_ key: String, isNeeded: Bool) throws -> Section? {
            guard let (node, place) = entries[key] else {
                if isNeeded { throw invalid(line, "the key \(key)", "no such key") }
                return nil
            }
            guard case .mapping(let mapping) = node else { throw invalid(place, "\(key): keys with values", "another") }
            return try Section(mapping, line: place, path: path)
        }

        /// Reports an unknown key, which is usually a typing error.
        func checkKeys(_ known: [String]) throws {
            let extra = entries.filter { !known.contains($0.key) }.min { $0.value.line < $1.value.line }
            guard let extra else { return }
            throw invalid(extra.value.line, "only the keys \(known.joined(separator: ", "))", extra.key)
        }
    }
}

extension EMLLMError.Code {
    /// An invalid file of prompts.
    public static let invalidPromptPack = Self(rawValue: "invalid-prompt-pack")
    /// Prompts that are neither built in nor the path of a file.
    public static let noSuchPromptPack = Self(rawValue: "no-such-prompt-pack")
}

extension EMLLMError {
    static func invalidPack(_ path: String, line: Int?, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidPromptPack,
            subject: line.map { "\(path), line \($0)" } ?? path,
            expected: expected,
            found: found,
            remedy: "correct the file, or begin with the text of a built-in pack"
        )
    }

    static func noSuchPack(_ name: String, known: [String]) -> EMLLMError {
        EMLLMError(
            code: .noSuchPromptPack,
            subject: "prompts '\(name)'",
            expected: "\(known.joined(separator: ", ")), or a YAML or JSON file",
            found: "neither",
            remedy: "check the name or the path"
        )
    }
}

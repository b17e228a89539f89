import Foundation

/// The columns of a file of problems, one layout for each benchmark.
///
/// Columns of ``Problem/Benchmark/own``, of which only `question` and `answer` are required:
///
/// | column | content |
/// |---|---|
/// | `id` | the id; without it the image's path and a hash of the question and its choices |
/// | `image`, `images` | a path, or a list of them |
/// | `question` | the question |
/// | `options` or `choices` | a list |
/// | `answer` | the text or the letter of an option, a value, or a list of values |
/// | `answer_type` | `choice`, `integer`, `float`, `list` or `text`; without it as the answer looks |
/// | `precision` | decimals of a `float`; without it as many as the answer has |
/// | `unit` | the unit |
/// | `steps` | a list: a solution's steps |
/// | `step_labels` | a list, an element per step: `true` or 1, `false` or 0, `null` where nothing is known |
/// | any other | a text or a list of texts for ``Problem/breakdown``, such as `category`, `level`, `skills` |
///
/// The other layouts are the published ones: PuzzleVQA's lines (`image`, `question`, `options`, `answer`, `caption`,
/// `explanation`, `deduction`, `category`); MathVista's `testmini.json`, an object of records (`question`, `image`,
/// `choices`, `unit`, `precision`, `answer`, `question_type`, `answer_type`, `pid`, `metadata`); MATH-Vision's
/// `test.jsonl` (`id`, `question`, `options`, `image`, `answer`, `solution`, `level`, `subject`); We-Math's
/// `testmini.json`, an array (`ID`, `split`, `knowledge concept`, `question`, `option`, `answer`, `image_path`, `key`).
/// We-Math gives all parts of a problem one `ID`; the part that `key` names follows it: `2steps_7/multi`.
///
/// Image paths are relative to the file's folder, absolute, or lead elsewhere with `..`; they must name regular files.
public typealias ProblemLayout = Problem.Benchmark

extension ProblemLayout {
    /// The layout that has these columns; `nil` if there is none.
    init?(recognizing columns: some Sequence<String>) {
        let columns = Set(columns)
        let layouts: [(ProblemLayout, Set<String>)] = [
            (.mathVista, ["pid", "question_type", "answer_type"]),
            (.weMath, ["ID", "option", "image_path", "key"]),
            (.mathV, ["id", "options", "level", "subject", "solution"]),
            (.puzzleVQA, ["options", "caption", "explanation", "deduction"]),
            (.own, []),
        ]
        let needed: Set = ["question", "answer"]
        guard let layout = layouts.first(where: { columns.isSuperset(of: $0.1.union(needed)) }) else { return nil }
        self = layout.0
    }
}

extension ProblemRecord {
    /// The id of the record's problem, if it can be determined.
    func id(in layout: ProblemLayout) -> String? {
        switch layout {
        case .own: text("id") ?? contentID
        case .puzzleVQA: text("image").map { ($0 as NSString).deletingPathExtension }
        case .mathVista: text("pid") ?? key
        case .mathV: text("id")
        case .weMath: text("ID").flatMap { id in part.map { id + "/" + $0 } }
        }
    }

    /// The problem in these columns.
    ///
    /// - Parameter imageFolder: what image paths are relative to; `nil` leaves images alone.
    /// - Throws: ``UnusableRecord``.
    func problem(in layout: ProblemLayout, imageFolder: URL?) throws -> Problem {
        guard let id = id(in: layout) else { throw UnusableRecord("it has no id") }
        var problem = Problem(
            id: id,
            benchmark: layout,
            question: try required("question"),
            answer: try answer(),
            answerType: .text
        )
        switch layout {
        case .own: try own(&problem)
        case .puzzleVQA: try puzzleVQA(&problem)
        case .mathVista: try mathVista(&problem)
        case .mathV: try mathV(&problem)
        case .weMath: try weMath(&problem)
        }
        if let imageFolder {
            problem.images = try images(in: imageFolder)
            guard layout == .own || !problem.images.isEmpty else { throw UnusableRecord("it names no image") }
        }
        try check(problem)
        problem.breakdown["answer_type"] = problem.answerType.name
        return problem
    }

    private func own(_ problem: inout Problem) throws {
        let options = try list("options")
        try choose(&problem, from: options.isEmpty ? list("choices") : options, byLetter: true)
        problem.answerType = try answerType(of: problem)
        problem.unit = text("unit")
        problem.referenceSteps = try list("steps")
        problem.stepLabels = try stepLabels()
        let known: Set = [
            "id", "image", "images", "question", "options", "choices", "answer", "answer_type", "precision", "unit",
            "steps", "step_labels",
        ]
        problem.breakdown = Self.breakdown(columns, columns.keys.filter { !known.contains($0) })
    }

    private func puzzleVQA(_ problem: inout Problem) throws {
        try choose(&problem, from: list("options"), byLetter: false)
        problem.answerType = .choice
        problem.referenceSteps = ["caption", "explanation", "deduction"].compactMap(text)
        problem.breakdown = Self.breakdown(columns, ["category"])
    }

    private func mathVista(_ problem: inout Problem) throws {
        if text("question_type") == "multi_choice" {
            try choose(&problem, from: list("choices"), byLetter: false)
            guard !problem.choices.isEmpty else { throw UnusableRecord("a multiple choice without choices") }
        }
        problem.answerType = try answerType(of: problem)
        problem.unit = text("unit")
        let names = ["question_type", "language", "source", "category", "task", "context", "grade", "skills"]
        problem.breakdown = Self.breakdown(columns, names)
        if case .object(let metadata) = columns["metadata"] {
            problem.breakdown.merge(Self.breakdown(metadata, names)) { first, _ in first }
        }
    }

    private func mathV(_ problem: inout Problem) throws {
        try choose(&problem, from: list("options"), byLetter: true)
        problem.answerType = try answerType(of: problem)
        problem.referenceSteps = text("solution")?.split(whereSeparator: \.isNewline).map(String.init) ?? []
        problem.breakdown = Self.breakdown(columns, ["level", "subject"])
    }

    private func weMath(_ problem: inout Problem) throws {
        try choose(&problem, from: Self.letteredOptions(required("option")), byLetter: true)
        guard !problem.choices.isEmpty else { throw UnusableRecord("its options do not begin with letters") }
        problem.answerType = .choice
        problem.breakdown = Self.breakdown(columns, ["key"])
        problem.breakdown["knowledge concept"] = text("knowledge concept")?.replacingOccurrences(of: ";", with: "; ")
        problem.breakdown["group"] = try required("ID")
    }

    /// Which part of its problem a We-Math record is, such as "multi" in the key "2steps_multi".
    private var part: String? { text("key")?.split(separator: "_").last.map(String.init) }

    /// The options in "A. 3, 5; B. 3, 50;C. 40", where an option may itself contain a semicolon.
    static func letteredOptions(_ text: String) -> [String] {
        var options: [String] = []
        var rest = Substring(text)
        while options.count < Problem.mostChoices {
            let letter = Problem.letter(options.count)
            let mark = rest.ranges(of: letter + ".").first { mark in
                let before = rest[..<mark.lowerBound].last { !$0.isWhitespace || $0.isNewline }
                return before.map { ";；".contains($0) || $0.isNewline } ?? true
            }
            if let last = options.indices.last {
                let option = rest[..<(mark?.lowerBound ?? rest.endIndex)]
                options[last] = option.trimmingCharacters(in: .whitespacesAndNewlines.union(["；", ";"]))
            }
            guard let mark else { break }
            options.append("")
            rest = rest[mark.upperBound...]
        }
        return options
    }
}

extension ProblemRecord {
    private func answer() throws -> String {
        if let elements = columns["answer"]?.texts, !elements.isEmpty {
            return "[" + elements.joined(separator: ", ") + "]"
        }
        guard let answer = text("answer") else { throw UnusableRecord("it has no answer") }
        return answer
    }

    /// Sets the choices and the index of the right one: the choice with the answer's text, or else the one with the
    /// answer's letter. If answers are letters, the letter is tried first.
    private func choose(_ problem: inout Problem, from choices: [String], byLetter: Bool) throws {
        guard choices.count <= Problem.mostChoices else { throw UnusableRecord("it has more choices than letters") }
        guard !choices.isEmpty else { return }
        let text = choices.firstIndex(of: problem.answer)
        let letter = choices.indices.first { Problem.letter($0) == problem.answer }
        let lettersFirst = problem.benchmark == .mathV || problem.benchmark == .weMath
        let index = lettersFirst ? letter ?? text : text ?? (byLetter ? letter : nil)
        guard let index else { throw UnusableRecord("the answer \"\(problem.answer)\" is not among the choices") }
        problem.choices = choices
        problem.answerIndex = index
    }

    /// The type that the columns state, or else the type that the answer's form suggests.
    private func answerType(of problem: Problem) throws -> Problem.AnswerType {
        guard problem.choices.isEmpty else { return .choice }
        let decimals =
            problem.answer.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last?.count ?? 0
        switch text("answer_type") {
        case "integer": return .integer
        case "float":
            let precision = text("precision").map { Double($0).flatMap { Int(exactly: $0) } ?? -1 } ?? decimals
            guard (0...15).contains(precision) else {
                throw UnusableRecord("its precision is not from 0 to 15 decimals")
            }
            return .float(precision: precision)
        case "list": return .list
        case "text": return .text
        case "choice": throw UnusableRecord("a choice without choices")
        case let other?: throw UnusableRecord("the answer type \"\(other)\" is unknown")
        case nil:
            if columns["answer"]?.texts != nil { return .list }
            guard Double(problem.answer)?.isFinite == true else { return .text }
            return Int(problem.answer) != nil ? .integer : .float(precision: min(decimals, 15))
        }
    }

    private func stepLabels() throws -> [StepLabel?] {
        guard let value = columns["step_labels"], value != .null else { return [] }
        guard case .array(let elements) = value else { throw UnusableRecord("its step labels are not a list") }
        return try elements.map { element in
            switch element {
            case .bool(true), .number("1"), .string("right"): .right
            case .bool(false), .number("0"), .string("wrong"): .wrong
            case .null: nil
            default: throw UnusableRecord("a step label is neither true nor false nor null")
            }
        }
    }

    private func check(_ problem: Problem) throws {
        let needsNumber =
            switch problem.answerType {
            case .integer, .float: true
            case .choice, .list, .text: false
            }
        guard !needsNumber || AnswerReader.number(problem.answer) != nil else {
            throw UnusableRecord("the answer \"\(problem.answer)\" is not a number")
        }
        guard problem.stepLabels.isEmpty || problem.stepLabels.count == problem.referenceSteps.count else {
            throw UnusableRecord(
                "\(problem.stepLabels.count) step labels for \(problem.referenceSteps.count) steps"
            )
        }
    }

    private func images(in folder: URL) throws -> [URL] {
        let paths =
            try text("image").map { [$0] } ?? text("image_path").map { [$0] } ?? list("images")
        return try paths.map { path in
            let url = (path.hasPrefix("/") ? URL(filePath: path) : folder.appending(path: path)).standardizedFileURL
            let target = url.resolvingSymlinksInPath()
            let type = try? FileManager.default.attributesOfItem(atPath: target.path)[.type] as? FileAttributeType
            guard let type else { throw UnusableRecord("there is no image \(url.path)") }
            guard type == .typeRegular, FileManager.default.isReadableFile(atPath: target.path) else {
                throw UnusableRecord("the image \(url.path) is not a file that can be read")
            }
            return url
        }
    }

    /// An id derived from the content: the image's path, and a 64-bit FNV-1a hash of the question and its choices.
    private var contentID: String? {
        guard let question = text("question") else { return nil }
        let choices = (columns["options"] ?? columns["choices"])?.texts ?? []
        let content = ([question] + choices).joined(separator: "\u{0}")
        let hash = content.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let image = text("image") ?? columns["images"]?.texts?.first
        let path = image.map { ($0 as NSString).deletingPathExtension + "#" } ?? ""
        return path + String(hash, radix: 16)
    }
}

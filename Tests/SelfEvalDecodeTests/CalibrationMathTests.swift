import EMLLMCore
import Foundation
import SelfEvalDecode
import Testing

/// A file of fixtures that is shared with the tests of the harness.
private func statistics<Fixture: Decodable>(_ name: String) -> Fixture {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EvaluationTests/Fixtures/statistics/\(name).json")
    do {
        return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
    } catch {
        fatalError("the fixture \(file.path) cannot be read: \(error)")
    }
}

/// What SciPy and scikit-learn make of the same samples. `Tests/Scripts/statistics_fixtures.py` made the file.
private struct CalibrationFixture: Decodable {
    struct Case: Decodable, CustomTestStringConvertible {
        var name: String
        var logits: [Double]
        var labels: [Bool]
        var platt: PlattScaling?
        var points: [Double]
        var isotonic: [Double]
        var thresholds: [Double]
        var values: [Double]
        var testDescription: String { name }
    }
    struct Conformal: Decodable {
        var confidences: [Double]
        var isCorrect: [Bool]
        var risk: Double
        var threshold: Double?
    }
    var cases: [Case]
    var conformal: [Conformal]

    static let shared: CalibrationFixture = statistics("calibration")
}

private func isClose(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
    abs(a - b) <= tolerance * max(1, abs(a), abs(b))
}

/// What statsmodels and SciPy make of samples with several features, by the same script.
private struct RegressionFixture: Decodable {
    struct Case: Decodable, CustomTestStringConvertible {
        var name: String
        var features: [[Double]]
        var labels: [Bool]
        var coefficients: [Double]
        var intercept: Double
        var testDescription: String { name }
    }
    var cases: [Case]

    static let shared: RegressionFixture = statistics("regression")
}

@Suite("Logistic regression")
struct LogisticRegressionTests {
    @Test("the optimum is the one that statsmodels and SciPy find", arguments: RegressionFixture.shared.cases)
    fileprivate func reference(_ sample: RegressionFixture.Case) throws {
        let found = try #require(LogisticRegression(fitting: sample.features, labels: sample.labels))
        #expect(found.coefficients.count == sample.coefficients.count)
        for (one, other) in zip(found.coefficients, sample.coefficients) { #expect(isClose(one, other, 1e-6)) }
        #expect(isClose(found.intercept, sample.intercept, 1e-6))
    }

    @Test("a feature that follows from another, or says nothing, gets no weight, and the others stay as they are")
    func redundant() throws {
        let sample = try #require(RegressionFixture.shared.cases.first)
        let plain = try #require(LogisticRegression(fitting: sample.features, labels: sample.labels))
        let more = sample.features.map { $0 + [2 * $0[0] - 1, 7] }
        let found = try #require(LogisticRegression(fitting: more, labels: sample.labels))
        #expect(found.coefficients[3] == 0)
        // Of the twins each may have a part; what they say together is the same.
        #expect(isClose(found.coefficients[0] + 2 * found.coefficients[2], plain.coefficients[0], 1e-6))
        #expect(isClose(found.coefficients[1], plain.coefficients[1], 1e-6))
    }

    @Test("one class alone gives no feature a weight")
    func oneClass() throws {
        let found = try #require(LogisticRegression(fitting: [[1, 2], [3, 1], [0, 5]], labels: [true, true, true]))
        #expect(found.coefficients.allSatisfy { abs($0) < 1e-9 } && isClose(found.intercept, log(4), 1e-9))
    }

    @Test("samples with a feature that is no number do not count; without samples there is nothing")
    func unusable() throws {
        #expect(LogisticRegression(fitting: [], labels: []) == nil)
        #expect(LogisticRegression(fitting: [[.nan, 1]], labels: [true]) == nil)
        let sample = try #require(RegressionFixture.shared.cases.first)
        let clean = LogisticRegression(fitting: sample.features, labels: sample.labels)
        let soiled = LogisticRegression(
            fitting: [[.infinity, 0]] + sample.features + [[0, .nan]],
            labels: [true] + sample.labels + [false]
        )
        #expect(clean != nil && clean == soiled)
    }
}

@Suite("Platt scaling")
struct PlattScalingTests {
    @Test(
        "the optimum is the one that SciPy finds",
        arguments: CalibrationFixture.shared.cases.filter { $0.platt != nil }
    )
    fileprivate func reference(_ sample: CalibrationFixture.Case) throws {
        let expected = try #require(sample.platt)
        let found = try #require(PlattScaling(fitting: sample.logits, labels: sample.labels))
        #expect(isClose(found.slope, expected.slope, 1e-6))
        #expect(isClose(found.intercept, expected.intercept, 1e-6))
    }

    @Test("one class alone gives the smoothed share of it, whatever the logit", arguments: [true, false])
    func oneClass(label: Bool) throws {
        let scaling = try #require(PlattScaling(fitting: [-3, 0, 4], labels: [label, label, label]))
        for logit in [-50.0, 0, 50] {
            #expect(isClose(scaling.probability(logit: logit), label ? 0.8 : 0.2, 1e-9))
        }
    }

    @Test("equal logits give a curve without slope at the smoothed share")
    func equalLogits() throws {
        let scaling = try #require(PlattScaling(fitting: [7.3, 7.3, 7.3], labels: [true, true, false]))
        #expect(scaling.slope == 0)
        // Two right ones count 3/4 each, the wrong one 1/3.
        #expect(isClose(scaling.probability(logit: -4), (0.75 + 0.75 + 1.0 / 3) / 3, 1e-9))
    }

    @Test("there is no curve without samples, and logits that are no numbers do not count")
    func unusable() {
        #expect(PlattScaling(fitting: [], labels: []) == nil)
        #expect(PlattScaling(fitting: [.nan, .infinity], labels: [true, false]) == nil)
        let clean = PlattScaling(fitting: [-1, 0.5, 2], labels: [false, true, true])
        let soiled = PlattScaling(fitting: [-1, .nan, 0.5, 2, -.infinity], labels: [false, false, true, true, true])
        #expect(clean != nil && clean == soiled)
    }

    @Test("extreme logits neither trap nor leave 0...1", arguments: [1e-300, 1e-8, 1e8, 1e150, 1e308])
    func extremes(scale: Double) {
        let logits = [-1, -0.5, 0.25, 1].map { $0 * scale }
        guard let scaling = PlattScaling(fitting: logits, labels: [false, true, false, true]) else { return }
        for logit in logits { #expect((0...1).contains(scaling.probability(logit: logit))) }
    }

    @Test("the fit moves with the logits")
    func equivariance() throws {
        let sample = try #require(CalibrationFixture.shared.cases.first)
        let plain = try #require(PlattScaling(fitting: sample.logits, labels: sample.labels))
        let moved = try #require(PlattScaling(fitting: sample.logits.map { 40 * $0 - 900 }, labels: sample.labels))
        for logit in sample.logits {
            #expect(isClose(plain.probability(logit: logit), moved.probability(logit: 40 * logit - 900), 1e-8))
        }
    }
}

@Suite("Isotonic regression")
struct IsotonicRegressionTests {
    @Test("the curve is scikit-learn's", arguments: CalibrationFixture.shared.cases)
    fileprivate func reference(_ sample: CalibrationFixture.Case) throws {
        let found = try #require(IsotonicRegression(fitting: sample.logits, labels: sample.labels))
        for (point, expected) in zip(sample.points, sample.isotonic) {
            #expect(isClose(found.probability(logit: point), expected, 1e-12), "at \(point)")
        }
        #expect(found.thresholds == sample.thresholds)
        #expect(zip(found.values, sample.values).allSatisfy { isClose($0, $1, 1e-12) })
    }

    @Test("the order of the samples does not matter")
    func order() throws {
        let sample = try #require(CalibrationFixture.shared.cases.first { $0.name == "many ties" })
        let plain = IsotonicRegression(fitting: sample.logits, labels: sample.labels)
        let reversed = IsotonicRegression(fitting: sample.logits.reversed(), labels: sample.labels.reversed())
        #expect(plain != nil && plain == reversed)
    }

    @Test("there is no curve without samples, and no probability of what is no number")
    func unusable() throws {
        #expect(IsotonicRegression(fitting: [], labels: []) == nil)
        #expect(IsotonicRegression(fitting: [.nan], labels: [true]) == nil)
        let curve = try #require(IsotonicRegression(fitting: [0, 1], labels: [false, true]))
        #expect(curve.probability(logit: .nan).isNaN)
        #expect(curve.probability(logit: -.infinity) == 0)
        #expect(curve.probability(logit: .infinity) == 1)
    }

    @Test(
        "numbers that are no curve are an error",
        arguments: [
            #"{"thresholds": [], "values": []}"#, #"{"thresholds": [0, 1], "values": [0.5]}"#,
            #"{"thresholds": [1, 0], "values": [0.1, 0.2]}"#, #"{"thresholds": [0, 0], "values": [0.1, 0.2]}"#,
            #"{"thresholds": [0, 1], "values": [0.5, 0.4]}"#, #"{"thresholds": [0], "values": [1.5]}"#,
        ]
    )
    func damaged(json: String) {
        #expect {
            try JSONDecoder().decode(Calibration.self, from: Data(#"{"isotonic": \#(json)}"#.utf8))
        } throws: { ($0 as? EMLLMError)?.code == .invalidCalibration }
    }
}

@Suite("Calibrations in files")
struct CalibrationCodingTests {
    @Test("each kind is written under its name and read again")
    func roundTrip() throws {
        let scaling = PlattScaling(slope: 0.5, intercept: -1)
        let curve = try IsotonicRegression(thresholds: [-1, 2], values: [0.25, 0.75])
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        for (calibration, json) in [
            (Calibration.platt(scaling), #"{"platt":{"intercept":-1,"slope":0.5}}"#),
            (.isotonic(curve), #"{"isotonic":{"thresholds":[-1,2],"values":[0.25,0.75]}}"#),
        ] {
            let data = try encoder.encode(calibration)
            #expect(String(decoding: data, as: UTF8.self) == json)
            #expect(try JSONDecoder().decode(Calibration.self, from: data) == calibration)
        }
        #expect(Calibration.platt(scaling).probability(logit: 2) == 0.5)
        #expect(Calibration.isotonic(curve).probability(logit: 0.5) == 0.5)
    }

    @Test("what is neither kind is an error")
    func neither() {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Calibration.self, from: Data(#"{"spline": {}}"#.utf8))
        }
    }
}

@Suite("Conformal risk control")
struct ConformalRiskTests {
    @Test("the threshold is the smallest of all that satisfy the bound")
    func reference() {
        for sample in CalibrationFixture.shared.conformal {
            let found = ConformalRisk.threshold(
                confidences: sample.confidences,
                isCorrect: sample.isCorrect,
                risk: sample.risk
            )
            #expect(found == sample.threshold, "\(sample.confidences.count) questions at \(sample.risk)")
        }
    }

    @Test("silence is not enough of a promise where there are too few questions")
    func tooFew() {
        let right = [Bool](repeating: true, count: 18)
        #expect(ConformalRisk.threshold(confidences: right.map { _ in 0.5 }, isCorrect: right, risk: 0.05) == nil)
        #expect(ConformalRisk.threshold(confidences: [0.5], isCorrect: [true], risk: .nan) == nil)
        #expect(
            ConformalRisk.threshold(confidences: right.map { _ in 0.5 } + [0.5], isCorrect: right + [true], risk: 0.05)
                == 0
        )
    }

    @Test("a wrong answer without a confidence is never given, and so costs nothing")
    func withoutConfidence() {
        #expect(
            ConformalRisk.threshold(confidences: [.nan, 0.4, 0.6], isCorrect: [false, true, true], risk: 0.3) == 0
        )
    }

    @Test("the share of wrong answers given to new questions stays below the risk, and near it")
    func guarantee() {
        // Answers as right as they are sure: P(wrong) = 1 − confidence, both uniform.
        var state: UInt64 = 1
        func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(1 << 53)
        }
        func question() -> (confidence: Double, isCorrect: Bool) {
            let confidence = uniform()
            return (confidence, uniform() < confidence)
        }
        let rounds = 4_000
        for risk in [0.05, 0.2] {
            var errors = 0
            for _ in 0..<rounds {
                let heldOut = (0..<60).map { _ in question() }
                let threshold = ConformalRisk.threshold(
                    confidences: heldOut.map(\.confidence),
                    isCorrect: heldOut.map(\.isCorrect),
                    risk: risk
                )
                let new = question()
                if let threshold, new.confidence >= threshold, !new.isCorrect { errors += 1 }
            }
            // Within four standard errors below α, and the bound of the paper's Theorem 2, α − 2/(n + 1).
            let share = Double(errors) / Double(rounds)
            let deviation = (risk * (1 - risk) / Double(rounds)).squareRoot()
            #expect(share <= risk + 4 * deviation)
            #expect(share >= risk - 2.0 / 61 - 4 * deviation)
        }
    }
}

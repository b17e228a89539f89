extension DecoderConfiguration {
    /// Epsilons added under the root of a norm: published models have 1e-12 to 1e-5.
    static let epsilons: ClosedRange<Float> = 1e-30...1
    /// Bases of rotary positions: published models have 1e4 to 1e9.
    static let rotaryBases: ClosedRange<Float> = 1...1e15
    /// Factors of activations and positions, which overflow only far beyond this range.
    static let factors: ClosedRange<Float> = 1e-9...1e9

    /// Checks that the engine can run this shape: nothing is zero, absurd or contradictory.
    ///
    /// - Parameter subject: The owner of the configuration, usually a path, for the error.
    /// - Throws: `EMLLMError.Code.invalidConfiguration`, naming the property.
    package func validate(subject: String = "model configuration") throws {
        func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                throw EMLLMError.invalidConfiguration(
                    subject: subject,
                    property: name,
                    expected: "\(range.lowerBound) to \(range.upperBound)",
                    found: "\(value)"
                )
            }
        }
        func check(_ name: String, _ value: Float, _ range: ClosedRange<Float> = Self.factors) throws {
            guard range.contains(value) else {
                throw EMLLMError.invalidConfiguration(
                    subject: subject,
                    property: name,
                    expected: "\(range.lowerBound) to \(range.upperBound)",
                    found: "\(value)"
                )
            }
        }
        try check("vocabularySize", vocabularySize, 1...TokenizerDefinition.mostTokens)
        try check("hiddenSize", hiddenSize, 1...(1 << 20))
        try check("layerCount", layerCount, 1...1024)
        try check("headCount", headCount, 1...4096)
        try check("keyValueHeadCount", keyValueHeadCount, 1...headCount)
        guard headCount % keyValueHeadCount == 0 else {
            throw EMLLMError.invalidConfiguration(
                subject: subject,
                property: "keyValueHeadCount",
                expected: "a divisor of headCount \(headCount)",
                found: "\(keyValueHeadCount)"
            )
        }
        try check("headDimension", headDimension, 1...4096)
        try check("feedForwardSize", feedForwardSize, 1...(1 << 22))
        try check("contextLength", contextLength, 1...(1 << 28))
        try check("normEpsilon", normEpsilon, Self.epsilons)
        try check("rope.base", rope.base, Self.rotaryBases)
        try check("rope.rotaryDimension", rope.rotaryDimension, 2...max(2, headDimension))
        guard rope.rotaryDimension % 2 == 0, rope.rotaryDimension <= headDimension else {
            throw EMLLMError.invalidConfiguration(
                subject: subject,
                property: "rope.rotaryDimension",
                expected: "an even number of at most headDimension \(headDimension)",
                found: "\(rope.rotaryDimension)"
            )
        }
        switch rope.scaling {
        case .none: break
        case .linear(let factor): try check("rope.scaling.factor", factor)
        case .perFrequency(let factors):
            guard factors.count == rope.rotaryDimension / 2 else {
                throw EMLLMError.invalidConfiguration(
                    subject: subject,
                    property: "rope.scaling.factors",
                    expected: "\(rope.rotaryDimension / 2) numbers",
                    found: "\(factors.count)"
                )
            }
            for factor in factors { try check("rope.scaling.factors", factor) }
        }
        if let sections = rope.sections {
            let pairs = rope.rotaryDimension / 2
            let isSound = sections.counts.count == 3 && sections.counts.allSatisfy { (0...pairs).contains($0) }
            guard isSound, sections.counts.reduce(0, +) == pairs else {
                throw EMLLMError.invalidConfiguration(
                    subject: subject,
                    property: "rope.sections",
                    expected: "three numbers with the sum \(pairs)",
                    found: "\(sections.counts)"
                )
            }
        }
        try check("multipliers.embedding", multipliers.embedding)
        try check("multipliers.residual", multipliers.residual)
        try check("multipliers.logits", multipliers.logits)
        if let attention = multipliers.attention { try check("multipliers.attention", attention) }
    }
}

extension EMLLMError.Code {
    /// A property of the model's configuration makes no sense.
    public static let invalidConfiguration = Self(rawValue: "invalid-configuration")
}

extension EMLLMError {
    static func invalidConfiguration(
        subject: String,
        property: String,
        expected: String,
        found: String
    ) -> EMLLMError {
        EMLLMError(
            code: .invalidConfiguration,
            subject: subject,
            expected: "\(expected) for \(property)",
            found: found,
            remedy: damagedFileRemedy
        )
    }
}

extension SelfEvalOptions {
    /// What keys were called in earlier versions.
    private enum FormerKey: String, CodingKey { case looks, judgesChains }

    /// Reads options. What is absent has its default value, so that records of earlier versions are read.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let former = try decoder.container(keyedBy: FormerKey.self)
        var options = SelfEvalOptions()
        func read<Value: Decodable>(_ path: WritableKeyPath<SelfEvalOptions, Value>, _ key: CodingKeys) throws {
            if let value = try values.decodeIfPresent(Value.self, forKey: key) { options[keyPath: path] = value }
        }
        try read(\.strategy, .strategy)
        try read(\.sampling, .sampling)
        try read(\.revisionTemperature, .revisionTemperature)
        try read(\.revisionTopP, .revisionTopP)
        try read(\.seed, .seed)
        try read(\.acceptThreshold, .acceptThreshold)
        try read(\.rejectThreshold, .rejectThreshold)
        try read(\.maximumRevisions, .maximumRevisions)
        try read(\.revisionWidth, .revisionWidth)
        try read(\.maximumBacktracks, .maximumBacktracks)
        try read(\.maximumSteps, .maximumSteps)
        try read(\.usesHints, .usesHints)
        // Earlier versions had no such checker.
        options.checksArithmetic = try values.decodeIfPresent(Bool.self, forKey: .checksArithmetic) ?? false
        try read(\.rollsBack, .rollsBack)
        try read(\.evaluation, .evaluation)
        try read(\.chains, .chains)
        options.views = try former.decodeIfPresent(Int.self, forKey: .looks) ?? options.views
        try read(\.views, .views)
        try read(\.dividesBudget, .dividesBudget)
        // Earlier versions wrote every chain to its end.
        options.endsDecidedVotes = try values.decodeIfPresent(Bool.self, forKey: .endsDecidedVotes) ?? false
        options.untilAgree = try values.decodeIfPresent(Int.self, forKey: .untilAgree)
        try read(\.prunesChains, .prunesChains)
        try read(\.weighsVotes, .weighsVotes)
        options.evaluatesChains =
            try former.decodeIfPresent(Bool.self, forKey: .judgesChains) ?? options.evaluatesChains
        try read(\.evaluatesChains, .evaluatesChains)
        try read(\.beam, .beam)
        try read(\.aggregation, .aggregation)
        try read(\.weights, .weights)
        options.calibration = try values.decodeIfPresent(Calibration.self, forKey: .calibration)
        options.verifier = try values.decodeIfPresent(VerifierHead.self, forKey: .verifier)
        try read(\.subtractsPrior, .subtractsPrior)
        try read(\.averagesOrders, .averagesOrders)
        try read(\.minimumVerdictMass, .minimumVerdictMass)
        options.abstainBelow = try values.decodeIfPresent(Double.self, forKey: .abstainBelow)
        try read(\.confidenceWindow, .confidenceWindow)
        try read(\.reflectionTokens, .reflectionTokens)
        try read(\.budget, .budget)
        try read(\.prompts, .prompts)
        self = options
    }
}

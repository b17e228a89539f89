extension ModelConfiguration {
    /// Every weight of the model, by canonical name. A file must have exactly these.
    package var weightShapes: [(name: String, shape: WeightShape)] {
        decoder.weightShapes + (vision?.weightShapes(decoderWidth: decoder.hiddenSize) ?? [])
    }
}

extension VisionConfiguration {
    /// Every weight of the tower and the connector, by canonical name.
    package func weightShapes(decoderWidth: Int) -> [(name: String, shape: WeightShape)] {
        let width = tower.hiddenSize
        var shapes: [(String, WeightShape)] = [
            ("patch_embedding", .matrix(rows: width, columns: tower.patchSamples))
        ]
        if tower.patchBias { shapes.append(("patch_bias", .vector(count: width))) }
        if tower.classToken { shapes.append(("class_token", .vector(count: width))) }
        if let table = tower.positions {
            let rows = table.side * table.side + (tower.classToken ? 1 : 0)
            shapes.append(("positions", .matrix(rows: rows, columns: width)))
        }
        if tower.preNorm { shapes += Self.norm("pre_norm", tower.norm, width) }
        for layer in 0..<tower.layerCount {
            shapes += blockShapes.map { ("layers.\(layer).\($0.0)", $0.1) }
        }
        if tower.postNorm { shapes += Self.norm("post_norm", tower.norm, width) }
        shapes += connectorShapes(connector, decoderWidth).map { ("connector.\($0.0)", $0.1) }
        for index in tower.deepstackLayers.indices {
            shapes += connectorShapes(deepstackConnector, decoderWidth).map { ("deepstack.\(index).\($0.0)", $0.1) }
        }
        return shapes.map { ("vision.\($0.0)", $0.1) }
    }

    /// The connectors of DeepStack: like the main one, but normalized after patches are joined.
    package var deepstackConnector: ConnectorConfiguration {
        var result = connector
        result.normPlace = .merged
        return result
    }

    private var blockShapes: [(String, WeightShape)] {
        let (width, inner) = (tower.hiddenSize, tower.feedForwardSize)
        let square = WeightShape.matrix(rows: width, columns: width)
        let vector = WeightShape.vector(count: width)
        var block = Self.norm("attention_norm", tower.norm, width)
        for part in ["q", "k", "v"] {
            block.append(("attention.\(part)", square))
            if tower.queryKeyValueBias { block.append(("attention.\(part)_bias", vector)) }
        }
        if tower.queryKeyNorm { block += [("attention.q_norm", vector), ("attention.k_norm", vector)] }
        block += [("attention.output", square), ("attention.output_bias", vector)]
        if tower.layerScale { block.append(("attention_scale", vector)) }
        block += Self.norm("feed_forward_norm", tower.norm, width)
        for part in tower.gatedFeedForward ? ["gate", "up"] : ["up"] {
            block += [
                ("feed_forward.\(part)", .matrix(rows: inner, columns: width)),
                ("feed_forward.\(part)_bias", .vector(count: inner)),
            ]
        }
        block += [
            ("feed_forward.down", .matrix(rows: width, columns: inner)), ("feed_forward.down_bias", vector),
        ]
        if tower.layerScale { block.append(("feed_forward_scale", vector)) }
        return block
    }

    private func connectorShapes(_ connector: ConnectorConfiguration, _ output: Int) -> [(String, WeightShape)] {
        let merged = tower.hiddenSize * connector.merge * connector.merge
        var shapes: [(String, WeightShape)] = []
        switch connector.normPlace {
        case .patch: shapes += Self.norm("norm", connector.norm, tower.hiddenSize)
        case .merged: shapes += Self.norm("norm", connector.norm, merged)
        case nil: break
        }
        let first = connector.hiddenSize ?? output
        shapes.append(("first", .matrix(rows: first, columns: merged)))
        if connector.bias { shapes.append(("first_bias", .vector(count: first))) }
        if let hidden = connector.hiddenSize {
            shapes.append(("second", .matrix(rows: output, columns: hidden)))
            if connector.bias { shapes.append(("second_bias", .vector(count: output))) }
        }
        return shapes
    }

    private static func norm(
        _ name: String,
        _ norm: VisionTowerConfiguration.Norm,
        _ width: Int
    ) -> [(String, WeightShape)] {
        let weight = (name, WeightShape.vector(count: width))
        return norm == .rmsNorm ? [weight] : [weight, ("\(name)_bias", .vector(count: width))]
    }
}

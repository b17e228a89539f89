extension InferenceContext {
    // MARK: Pictures

    /// A picture's features, computed unless they are in memory.
    ///
    /// The picture is known by its samples, and its features are shared with other contexts of the model that have them in
    /// memory. In one context the same picture has the same token ids again, so that keys and values of a
    /// prompt that shows it are found in a branch.
    ///
    /// - Throws: `EMLLMError` when the model has no vision tower, the picture does not suit it, or ``cancellation`` is
    ///   set.
    public func encode(_ image: RGBImage) throws -> EncodedImage {
        guard let vision, let configuration = model.configuration.vision else { throw EMLLMError.noVision }
        let hash = image.contentHash
        if let known = images.image(hash) {
            counters.reusedImages += 1
            return known
        }
        let key = SharedImageFeatures.Key(contentHash: hash, activations: options.activations)
        let source: ImageFeatures
        if let shared = model.imageFeatures[key] {
            counters.reusedImages += 1
            source = shared
        } else {
            try cancellation.check()
            let clock = ContinuousClock()
            let start = clock.now
            let pixels = try configuration.preprocessing.apply(to: image)
            source = ImageFeatures(
                try vision.encode(pixels, cancellation: cancellation),
                width: vision.rowsPerFeature * vision.decoderWidth,
                tiles: pixels.arrangement,
                hasGridPositions: model.configuration.decoder.rope.sections != nil,
                seconds: (clock.now - start).seconds
            )
            model.imageFeatures[key] = source
            counters.encodedImages += 1
        }
        let encoded = EncodedImage(
            contentHash: hash,
            firstToken: try images.firstToken(hash, features: source.count),
            source: source
        )
        images.add(encoded)
        return encoded
    }

    /// The features of several pictures, and what each of them cost.
    ///
    /// - Throws: as for one picture.
    public func encode(_ pictures: [RGBImage]) throws -> (images: [EncodedImage], usage: [ImageUsage]) {
        var images: [EncodedImage] = []
        var usage: [ImageUsage] = []
        for picture in pictures {
            let before = counters.encodedImages
            let image = try encode(picture)
            images.append(image)
            usage.append(ImageUsage(image, wasReused: counters.encodedImages == before))
        }
        return (images, usage)
    }

    /// What the vision tower says about each patch, before the connector: for uses of the tower alone.
    ///
    /// - Returns: for each tile its features, row by row. `[tiles][patches, tower's hidden size]`
    /// - Throws: as encoding a picture does.
    public func patchFeatures(of image: RGBImage) throws -> [[Float]] {
        guard let vision, let configuration = model.configuration.vision else { throw EMLLMError.noVision }
        let pixels = try configuration.preprocessing.apply(to: image)
        return try vision.patchFeatures(of: pixels, cancellation: cancellation)
    }

    /// Bytes of pictures' features kept for later prompts.
    public var imageCacheBytes: Int { images.keptBytes }
}

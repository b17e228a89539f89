import EMLLMCore

/// Encodes further views of a question's pictures, in which each picture is shifted a little within its frame.
///
/// A vision transformer divides a picture into patches, and how it perceives a small or faint object depends on where
/// the patches begin. Real content persists when the picture is shifted; a misreading often does not. So the errors of
/// texts written with different views are more independent than those of several samples with one view (test-time
/// augmentation, Krizhevsky et al. 2012).
public protocol ViewEncoder: AnyObject {
    /// Returns a prompt with another view of its pictures.
    ///
    /// - Parameters:
    ///   - prompt: tokens, including those of the unchanged pictures.
    ///   - view: the number of the view, from 1; 0 is the unchanged pictures.
    /// - Returns: the same number of tokens, in the same places.
    func prompt(_ prompt: [TokenID], inView view: Int) throws -> [TokenID]
}

/// The views that a model's vision encoder produces.
final class PictureViews: ViewEncoder {
    /// The maximum number of views.
    static let most = 9

    private let images: [RGBImage]
    private let encoded: [EncodedImage]
    private let context: InferenceContext
    /// Kept for the whole run, so that features stay in memory until prompts are computed.
    private var held: [EncodedImage] = []

    /// - Parameters:
    ///   - images: the unchanged pictures.
    ///   - encoded: their encodings in the question's prompt.
    ///   - context: the context that encodes them.
    init(of images: [RGBImage], encoded: [EncodedImage], in context: InferenceContext) {
        self.images = images
        self.encoded = encoded
        self.context = context
    }

    func prompt(_ prompt: [TokenID], inView view: Int) throws -> [TokenID] {
        guard view > 0 else { return prompt }
        let others = try images.map { try context.encode($0.shown(inView: view)) }
        held += others
        return prompt.map { token in
            guard let index = encoded.firstIndex(where: { $0.tokens.contains(token) }) else { return token }
            return token - encoded[index].tokens.lowerBound + others[index].tokens.lowerBound
        }
    }
}

extension RGBImage {
    /// The picture in a view. It is shifted along a diagonal, in views 1 to 4 by 1/64 of its sides (a quarter of a
    /// patch if there are sixteen patches to a side), in views 5 to 8 by twice as much.
    package func shown(inView view: Int) -> RGBImage {
        guard view > 0 else { return self }
        let (right, down) = [(1, 1), (-1, -1), (1, -1), (-1, 1)][(view - 1) % 4]
        let times = 1 + (view - 1) / 4
        return shifted(
            right: right * max(1, width * times / 64),
            down: down * max(1, height * times / 64)
        )
    }
}

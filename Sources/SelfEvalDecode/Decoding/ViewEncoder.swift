import EMLLMCore

/// Shows a question's pictures in further views: moved a little in their frames.
///
/// A vision transformer cuts a picture into patches, and what it takes a small or a faint thing for depends on where the cuts
/// are. What is there stays when the picture moves; a mistake of reading often does not. So texts that begin behind different
/// views err more independently than draws behind one (test-time augmentation, Krizhevsky et al. 2012).
public protocol ViewEncoder: AnyObject {
    /// A prompt as it is in another view of its pictures.
    ///
    /// - Parameters:
    ///   - prompt: tokens, those of the pictures as they are among them.
    ///   - view: which one, from 1; 0 is the pictures as they are.
    /// - Returns: as many tokens, in the same places.
    func prompt(_ prompt: [TokenID], inView view: Int) throws -> [TokenID]
}

/// The views that a real model's vision encoder makes.
final class PictureViews: ViewEncoder {
    /// The most views.
    static let most = 9

    private let images: [RGBImage]
    private let encoded: [EncodedImage]
    private let context: InferenceContext
    /// Held as long as the run, so that features stay in memory until prompts are computed.
    private var held: [EncodedImage] = []

    /// - Parameters:
    ///   - images: the pictures as they are.
    ///   - encoded: what the question's prompt shows of them.
    ///   - context: where they are encoded.
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
    /// The picture as a view shows it: moved along the diagonals, by a 64th of its sides in views 1 to 4 (a quarter of a patch,
    /// where sixteen patches make a side), by twice as much in 5 to 8.
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

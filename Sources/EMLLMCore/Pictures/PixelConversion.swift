/// Converts other kinds of pixels to RGB, in Pillow's integer arithmetic.
enum PixelConversion {
    /// RGBA to RGB. `rgba`: `[pixels, 4]`.
    static func rgb(rgba: [UInt8], _ transparency: ImageDecoder.Transparency) -> [UInt8] {
        convert(rgba) { red, green, blue, alpha in
            guard case .composited(let backRed, let backGreen, let backBlue) = transparency, alpha < 255 else {
                return (red, green, blue)
            }
            if alpha == 0 { return (backRed, backGreen, backBlue) }
            func mix(_ front: UInt8, _ back: UInt8) -> UInt8 {
                // On an opaque background, Pillow's coefficients are alpha and its complement, with seven extra bits.
                let sum = UInt32(front) * UInt32(alpha) * 128 + UInt32(back) * (255 * 128 - UInt32(alpha) * 128)
                let rounded = sum + 0x80 << 7
                return UInt8(truncatingIfNeeded: (((rounded >> 8) + rounded) >> 8) >> 7)
            }
            return (mix(red, backRed), mix(green, backGreen), mix(blue, backBlue))
        }
    }

    /// CMYK, stored inverted as Adobe does, to RGB. `invertedCMYK`: `[pixels, 4]`.
    static func rgb(invertedCMYK: [UInt8]) -> [UInt8] {
        convert(invertedCMYK) { cyan, magenta, yellow, black in
            // black is stored inverted: 255 means no black, which leaves the other inks unchanged.
            func channel(_ invertedInk: UInt8) -> UInt8 {
                let product = Int(255 - invertedInk) * Int(black) + 128
                return UInt8(clamping: Int(black) - (((product >> 8) + product) >> 8))
            }
            return (channel(cyan), channel(magenta), channel(yellow))
        }
    }

    private static func convert(
        _ pixels: [UInt8],
        _ body: (UInt8, UInt8, UInt8, UInt8) -> (UInt8, UInt8, UInt8)
    ) -> [UInt8] {
        let count = pixels.count / 4
        return [UInt8](unsafeUninitializedCapacity: count * 3) { target, initialized in
            for pixel in 0..<count {
                let at = pixel * 4
                let color = body(pixels[at], pixels[at + 1], pixels[at + 2], pixels[at + 3])
                (target[pixel * 3], target[pixel * 3 + 1], target[pixel * 3 + 2]) = color
            }
            initialized = count * 3
        }
    }
}

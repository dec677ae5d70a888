@_spi(_Unicode) import Swift

/// Normal form C of text, in the tables of Unicode 9.
///
/// - Source: Unicode Standard Annex 15; the `tokenizers` library has the tables of Unicode 9, to
///   which younger characters are neither marks nor composed. The standard library composes, but
///   puts a run of `n` combining marks in order in `n²` steps, and leaves the marks of three
///   Tibetan vowels out of order, so such runs are put in order before.
/// - Cost: one pass over the text.
enum CanonicalComposition {
    /// The number of combining marks in a row from which they are put in order first.
    private static let longRun = 32
    /// The scalars that are not marks but decompose into marks alone.
    private static let tibetanVowels: Set<UInt32> = [0xF73, 0xF75, 0xF81]

    /// The text in normal form C. Text whose scalars are all below U+0300 is in it already.
    static func composed(_ text: UTF8Text) -> UTF8Text {
        guard text.contains(where: { $0 >= 0xCC }) else { return text }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var written = text.startIndex
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] >= 0xCC else {
                index += 1
                continue
            }
            let (scalar, length) = text.scalar(at: index)
            if isYoung(scalar) {
                appendComposed(text[written..<index], to: &result)
                result += text[index..<(index + length)]
                written = index + length
            }
            index += length
        }
        appendComposed(text[written...], to: &result)
        return result[...]
    }

    /// Whether a scalar came after Unicode 9.
    private static func isYoung(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // The large blocks of Chinese and Korean are old.
        case 0..<0x300, 0x3400...0x4DB5, 0x4E00...0x9FA5, 0xAC00...0xD7A3: false
        default: scalar.properties.age.map { $0.major > 9 } ?? true
        }
    }

    /// Appends the normal form C of text without young scalars.
    private static func appendComposed(_ text: UTF8Text, to result: inout [UInt8]) {
        for scalar in String(decoding: withOrderedMarks(text), as: UTF8.self)._nfc {
            result.append(contentsOf: UTF8.encode(scalar) ?? .init())
        }
    }

    /// The text with every long run of combining marks in canonical order.
    private static func withOrderedMarks(_ text: UTF8Text) -> UTF8Text {
        var result: [UInt8] = []
        var written = text.startIndex
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] >= 0xCC else {
                index += 1
                continue
            }
            let start = index
            var count = 0
            var isTibetan = false
            while index < text.endIndex {
                let (scalar, length) = text.scalar(at: index)
                let isVowel = tibetanVowels.contains(scalar.value)
                guard isVowel || markClass(of: scalar) != 0 else { break }
                isTibetan = isTibetan || isVowel
                index += length
                count += 1
            }
            if count == 0 { index += text.scalar(at: index).length }
            guard count > longRun || isTibetan else { continue }
            result += text[written..<start]
            result += ordered(text[start..<index])
            written = index
        }
        return written == text.startIndex ? text : (result + text[written...])[...]
    }

    /// A run of combining marks, decomposed and in canonical order.
    private static func ordered(_ run: UTF8Text) -> [UInt8] {
        var byClass = [[UInt8]](repeating: [], count: 256)
        var index = run.startIndex
        while index < run.endIndex {
            let (mark, length) = run.scalar(at: index)
            for scalar in String(Character(mark))._nfd {
                byClass[Int(markClass(of: scalar))].append(
                    contentsOf: UTF8.encode(scalar) ?? .init())
            }
            index += length
        }
        return Array(byClass.joined())
    }

    /// The canonical combining class; 0 for what is not a mark.
    private static func markClass(of scalar: Unicode.Scalar) -> UInt8 {
        scalar.value < 0x300 ? 0 : scalar.properties.canonicalCombiningClass.rawValue
    }
}

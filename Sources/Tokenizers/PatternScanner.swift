/// A regular expression of a pre-tokenizer, recognised by its exact text and run by hand.
///
/// - Source: the patterns of GPT-2, of tiktoken's `cl100k_base` (Llama 3) and of Qwen 2, as the
///   `tokenizer.json` files of those models spell them.
/// - Cost: one pass over the text; no pattern backs up by more than one run of white space.
enum PatternScanner: String, CaseIterable, Sendable {
    /// GPT-2, and every `ByteLevel` with `use_regex`.
    case gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    /// Llama 3 and `cl100k_base`: digits in groups of up to three.
    case llama3 =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    /// Qwen 2 and later: digits one by one.
    case qwen2 =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// The end of the match that starts at an index; every scalar starts one.
    func matchEnd(in text: UTF8Text, at start: Int) -> Int {
        if text[start] == UInt8(ascii: "'"), let end = contraction(in: text, at: start) {
            return end
        }
        return self == .gpt2 ? gpt2End(in: text, at: start) : llamaEnd(in: text, at: start)
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d`, in any case but for GPT-2.
    private func contraction(in text: UTF8Text, at start: Int) -> Int? {
        let foldsCase = self != .gpt2
        func letter(_ offset: Int) -> UInt8 {
            guard start + offset < text.endIndex else { return 0 }
            let byte = text[start + offset]
            return foldsCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        switch (letter(1), letter(2)) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
            (UInt8(ascii: "d"), _):
            return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        case (0xC5, 0xBF) where foldsCase:
            // U+017F, the long s, is an `s` when case is ignored.
            return start + 3
        default:
            return nil
        }
    }

    /// The alternatives of GPT-2 behind the contractions.
    private func gpt2End(in text: UTF8Text, at start: Int) -> Int {
        let first = text.scalar(at: start)
        var (kind, index) = (CharacterClass.of(first.scalar), start)
        if first.scalar == " ", let next = text.characterClass(at: start + 1), !next.kind.isSpace {
            (kind, index) = (next.kind, start + 1)
        }
        if kind.isSpace { return spaceEnd(in: text, at: start) }
        return runEnd(in: text, from: index) { $0 == kind }
    }

    /// The alternatives of Llama 3 and Qwen 2 behind the contractions.
    private func llamaEnd(in text: UTF8Text, at start: Int) -> Int {
        let first = text.scalar(at: start)
        let kind = CharacterClass.of(first.scalar)
        let after = start + first.length
        let next = text.characterClass(at: after)
        // [^\r\n\p{L}\p{N}]?\p{L}+
        if kind == .letter { return runEnd(in: text, from: after) { $0 == .letter } }
        if kind == .other || kind == .space, next?.kind == .letter {
            return runEnd(in: text, from: after) { $0 == .letter }
        }
        if kind == .number {
            return self == .qwen2
                ? after : runEnd(in: text, from: after, atMost: 2) { $0 == .number }
        }
        //  ?[^\s\p{L}\p{N}]+[\r\n]*
        if kind == .other || (first.scalar == " " && next?.kind == .other) {
            let end = runEnd(in: text, from: after) { $0 == .other }
            return runEnd(in: text, from: end) { $0 == .lineEnd }
        }
        // \s*[\r\n]+
        var (index, lastLineEnd) = (start, nil as Int?)
        while let (kind, length) = text.characterClass(at: index), kind.isSpace {
            index += length
            if kind == .lineEnd { lastLineEnd = index }
        }
        return lastLineEnd ?? spaceEnd(in: text, at: start)
    }

    /// `\s+(?!\S)|\s+`: all white space, less its last character when text follows.
    private func spaceEnd(in text: UTF8Text, at start: Int) -> Int {
        let end = runEnd(in: text, from: start) { $0.isSpace }
        guard end < text.endIndex else { return end }
        let last = text.scalar(before: end).start
        return last > start ? last : end
    }

    /// The end of the scalars from an index on whose class belongs.
    private func runEnd(
        in text: UTF8Text, from start: Int, atMost limit: Int = .max,
        where belongs: (CharacterClass) -> Bool
    ) -> Int {
        var (index, count) = (start, 0)
        while count < limit, let (kind, length) = text.characterClass(at: index), belongs(kind) {
            index += length
            count += 1
        }
        return index
    }
}

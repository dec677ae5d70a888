import Basics

/// The steps that cut text into words before byte-pair merging.
struct PreTokenizer: Sendable {
    /// One step; each cuts every piece of the step before on its own.
    enum Step: Sendable {
        /// Cuts by a known regular expression.
        case pattern(PatternScanner, SplitBehavior, isInverted: Bool)
        /// Cuts at a literal text.
        case literal([UInt8], SplitBehavior, isInverted: Bool)
        /// Cuts at numbers, one by one or run by run.
        case digits(areSingle: Bool)
        /// Puts a space before a piece that starts with none.
        case prefixSpace
        /// Writes spaces as a mark, as SentencePiece does.
        case metaspace(Metaspace)
    }

    /// The steps in order.
    var steps: [Step] = []
    /// Whether the words are merged over bytes rather than over characters.
    var isByteLevel = false

    /// Cuts a text and hands each word on.
    ///
    /// - Parameter isFirst: whether the text is the beginning of all the text.
    func forEachWord(
        of text: UTF8Text, isFirst: Bool = true, _ body: (UTF8Text) throws -> Void
    ) rethrows {
        try run(0, text, isFirst, body)
    }

    /// Takes one step and hands every piece to the next.
    private func run(
        _ index: Int, _ text: UTF8Text, _ isFirst: Bool, _ body: (UTF8Text) throws -> Void
    ) rethrows {
        if text.isEmpty { return }
        guard index < steps.count else { return try body(text) }
        /// Hands a part of the text to the next step.
        func pass(_ range: Range<Int>) throws {
            try run(index + 1, text[range], isFirst && range.lowerBound == text.startIndex, body)
        }
        switch steps[index] {
        case .prefixSpace:
            let hasSpace = text.first == UInt8(ascii: " ")
            let spaced = hasSpace ? text : ([UInt8(ascii: " ")] + text)[...]
            try run(index + 1, spaced, isFirst, body)
        case .metaspace(let metaspace):
            let marked = metaspace.marked(text, isFirst: isFirst)
            let ranges =
                metaspace.splits
                ? SplitBehavior.mergedWithNext.pieces(
                    of: literalSpans(of: metaspace.mark, in: marked, isInverted: false))
                : [marked.startIndex..<marked.endIndex]
            for range in ranges {
                let startsText = isFirst && range.lowerBound == marked.startIndex
                try run(index + 1, marked[range], startsText, body)
            }
        case .pattern(let scanner, .isolated, isInverted: _):
            var start = text.startIndex
            while start < text.endIndex {
                let end = scanner.matchEnd(in: text, at: start)
                try pass(start..<end)
                start = end
            }
        case .pattern(let scanner, let behavior, let isInverted):
            var spans: [SplitBehavior.Span] = []
            var start = text.startIndex
            while start < text.endIndex {
                let end = scanner.matchEnd(in: text, at: start)
                spans.append((start..<end, !isInverted))
                start = end
            }
            for range in behavior.pieces(of: spans) { try pass(range) }
        case .literal(let pattern, let behavior, let isInverted):
            for range in behavior.pieces(
                of: literalSpans(of: pattern, in: text, isInverted: isInverted))
            {
                try pass(range)
            }
        case .digits(let areSingle):
            let behavior: SplitBehavior = areSingle ? .isolated : .contiguous
            for range in behavior.pieces(of: digitSpans(in: text)) { try pass(range) }
        }
    }

    /// A cover of the text by the occurrences of a pattern and what lies between.
    private func literalSpans(of pattern: [UInt8], in text: UTF8Text, isInverted: Bool)
        -> [SplitBehavior.Span]
    {
        guard !pattern.isEmpty else { return [(text.startIndex..<text.endIndex, isInverted)] }
        var spans: [SplitBehavior.Span] = []
        var start = text.startIndex
        while let match = text.firstRange(of: pattern, from: start) {
            if start < match.lowerBound { spans.append((start..<match.lowerBound, isInverted)) }
            spans.append((match, !isInverted))
            start = match.upperBound
        }
        if start < text.endIndex { spans.append((start..<text.endIndex, isInverted)) }
        return spans
    }

    /// A cover of the text by single numbers and what lies between.
    private func digitSpans(in text: UTF8Text) -> [SplitBehavior.Span] {
        var spans: [SplitBehavior.Span] = []
        var (start, index) = (text.startIndex, text.startIndex)
        while let (kind, length) = text.characterClass(at: index) {
            if kind == .number {
                if start < index { spans.append((start..<index, false)) }
                spans.append((index..<(index + length), true))
                start = index + length
            }
            index += length
        }
        if start < text.endIndex { spans.append((start..<text.endIndex, false)) }
        return spans
    }
}

// MARK: - Loading

extension PreTokenizer {
    /// Reads the entry `pre_tokenizer` of a tokenizer file.
    init(_ json: JSON?, source: String) throws(TokenizerError) {
        guard let json, !json.isNull else { return }
        try append(json, source: source)
    }

    /// Adds the steps of one entry.
    private mutating func append(_ json: JSON, source: String) throws(TokenizerError) {
        let type = json["type"]?.text ?? ""
        guard !isByteLevel else {
            throw .unsupported("pre-tokenizer after ByteLevel", type, source: source)
        }
        switch type {
        case "Sequence":
            for element in json["pretokenizers"]?.elements ?? [] {
                try append(element, source: source)
            }
        case "ByteLevel":
            if json["add_prefix_space"]?.truth ?? true { steps.append(.prefixSpace) }
            if json["use_regex"]?.truth ?? true {
                steps.append(.pattern(.gpt2, .isolated, isInverted: false))
            }
            isByteLevel = true
        case "Digits":
            steps.append(.digits(areSingle: json["individual_digits"]?.truth ?? false))
        case "Metaspace":
            steps.append(.metaspace(try Metaspace(json, source: source)))
        case "Split":
            steps.append(try Self.split(json, source: source))
        default:
            throw .unsupported("pre-tokenizer", type, source: source)
        }
    }

    /// Reads an entry of type `Split`.
    private static func split(_ json: JSON, source: String) throws(TokenizerError) -> Step {
        let name = json["behavior"]?.text ?? "null"
        guard let behavior = SplitBehavior(rawValue: name) else {
            throw .unsupported("split behavior", name, source: source)
        }
        let isInverted = json["invert"]?.truth ?? false
        if let literal = json["pattern"]?["String"]?.text {
            return .literal(Array(literal.utf8), behavior, isInverted: isInverted)
        }
        let pattern = json["pattern"]?["Regex"]?.text ?? json["pattern"]?.text() ?? "null"
        guard let scanner = PatternScanner(rawValue: pattern) else {
            throw .unsupported("regular expression", pattern, source: source)
        }
        return .pattern(scanner, behavior, isInverted: isInverted)
    }
}

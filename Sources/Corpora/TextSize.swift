/// How much a request for labelled texts takes, told without the dataset.
public struct TextSize: Sendable, Equatable {
    /// Texts.
    public var texts: Int
    /// Tokens of all texts.
    public var tokens: Int
    /// Whether it is a bound that most datasets stay below, and not what is known of the dataset.
    public var isBound: Bool

    /// Tokens of which activations are stored, at most.
    ///
    /// - Parameter request: what is stored of each text.
    public func storedTokens(of request: TextRequest) -> Int {
        request.stored == .last ? texts : tokens
    }
}

extension TextRequest {
    /// How much it takes: exact numbers come only from the dataset.
    ///
    /// Texts of classes and pairs are counted as if all had as many tokens as are kept. Of the
    /// binary datasets of sae-probes number and length are known.
    ///
    /// - Throws: ``CorporaError`` for a dataset that nobody knows.
    public func size() throws(CorporaError) -> TextSize {
        switch selection {
        case .classes(let train, let test, _, let classes):
            let names: [String]
            if let classes {
                names = classes
            } else {
                names = try TextFamily.named(dataset).classes
            }
            return bound(texts: names.count * (train / 2 + test / 2))
        case .pair(_, _, let train, let test, _):
            // Two quarters of two of the four kinds of rows, one of the others; groups share them.
            return bound(texts: 6 * (train / 4 + test / 4))
        case .binary(let limit):
            guard let known = BinarySizes.of(dataset) else { return bound(texts: limit) }
            let texts = min(known.texts, limit)
            return TextSize(
                texts: texts, tokens: texts * min(known.tokens, contextLength), isBound: false)
        }
    }

    /// So many texts of full length.
    private func bound(texts: Int) -> TextSize {
        TextSize(texts: texts, tokens: texts * contextLength, isBound: true)
    }
}

/// Sizes of the binary datasets of sae-probes.
private enum BinarySizes {
    /// Texts among the first 5,000 rows, and mean tokens of one cut at 1,024; nil for other names.
    static func of(_ dataset: String) -> (texts: Int, tokens: Int)? {
        dataset.split(separator: "_").first.flatMap { all[$0] }
    }

    /// By the number that begins a dataset's name.
    private static let all: [Substring: (texts: Int, tokens: Int)] = Dictionary(
        uniqueKeysWithValues: table.split(whereSeparator: \.isWhitespace).map { entry in
            let parts = entry.split(separator: ":")
            return (parts[0], (Int(parts[1]) ?? 0, Int(parts[2]) ?? 0))
        })

    /// Number, texts and tokens of each dataset.
    ///
    /// - Source: the 113 files of sae-probes 0.4.2; a token counted as 4.3 bytes, and one for BOS.
    private static let table = """
        5:5000:6 6:5000:5 7:5000:5 21:5000:16 22:1656:15 23:1858:15 24:1388:15 26:5000:15
        36:5000:23 41:786:27 42:2224:39 44:5000:57 47:2696:33 48:5000:244 49:5000:229 50:5000:22
        51:5000:25 52:4830:21 54:5000:15 56:5000:112 57:5000:113 58:3000:118 59:2000:112
        60:2000:111 61:2000:112 62:2000:113 63:2000:110 64:1960:110 65:3200:26 66:3118:25
        67:3200:28 68:3200:26 69:3200:28 70:3200:21 71:3200:27 72:3200:28 73:3200:27 74:3200:28
        75:3200:26 76:3200:26 77:3200:18 78:3200:26 79:3200:28 80:3200:28 81:3200:28 82:3200:29
        83:3200:26 84:3200:30 85:3200:29 87:5000:11 89:2388:56 90:5000:54 91:5000:29 92:5000:13
        94:5000:501 95:728:65 96:1494:26 100:3120:583 105:2568:18 106:5000:21 107:5000:22
        110:5000:46 113:5000:28 114:2000:7 115:2000:7 116:2000:7 117:1000:4 118:1000:4 119:1000:4
        120:3332:4 121:3332:4 122:3332:4 123:2000:5 124:2000:5 125:2000:5 126:3332:5 127:3332:5
        128:3332:5 129:1494:11 130:1062:11 131:1062:11 132:1062:12 133:1250:12 134:1250:12
        135:1250:13 136:3332:41 137:3332:42 138:3332:41 139:2500:56 140:2500:57 141:2500:56
        142:1368:1017 143:1368:1011 144:1368:1017 145:1052:288 146:1052:281 147:1052:278
        148:2500:19 149:2500:19 150:2500:19 151:1428:61 152:1428:71 153:1428:69 154:1772:4
        155:1772:4 156:1772:4 157:2000:170 158:4000:718 159:4000:700 160:4000:740 161:4000:381
        162:4000:379 163:4000:381
        """
}

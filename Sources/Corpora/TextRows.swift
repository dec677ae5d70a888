/// Chosen texts as tokens: the frozen manifest of a request.
public struct TextRows: Sendable, Equatable {
    /// A named list of texts.
    public struct Group: Sendable, Codable, Equatable {
        /// The class that its texts belong to, as the dataset or the evaluation names it.
        public var name: String
        /// Whether its texts are for training or for testing.
        public var split: Split
        /// Positions of the texts among ``TextRows``; a text may belong to several groups.
        public var texts: [Int]

        /// Names a list of texts.
        ///
        /// - Parameter texts: positions of the texts among ``TextRows``.
        public init(name: String, split: Split, texts: [Int]) {
            (self.name, self.split, self.texts) = (name, split, texts)
        }
    }

    /// What the texts of a group are used for.
    public enum Split: String, Sendable, Codable { case train, test }

    /// Ids of all texts, one after the other, BOS included and cut to the context length.
    public var tokens: [Int32]
    /// Where each text begins in ``tokens``, and the end of the last one.
    public var starts: [Int]
    /// Indices in ``tokens`` whose activations are stored, ascending.
    public var stored: [Int]
    /// Where each text begins in ``stored``, and the end of the last one.
    public var storedStarts: [Int]
    /// The groups in the order of upstream's dictionaries: all of `train`, then all of `test`.
    public var groups: [Group]
    /// For each text its file and row, such as `train.jsonl:17` (rows from 0): what the manifest
    /// shows to people.
    public var sources: [String]

    /// Takes texts that are tokenised already; each list is described at the property of its name.
    public init(
        tokens: [Int32], starts: [Int], stored: [Int], storedStarts: [Int], groups: [Group],
        sources: [String]
    ) {
        (self.tokens, self.starts, self.stored) = (tokens, starts, stored)
        (self.storedStarts, self.groups, self.sources) = (storedStarts, groups, sources)
    }

    /// Number of texts.
    public var count: Int { starts.count - 1 }

    /// The groups of a split, in order.
    public func groups(_ split: Split) -> [Group] { groups.filter { $0.split == split } }

    /// Tokens of a text whose activations are stored.
    public func storedCount(_ text: Int) -> Int { storedStarts[text + 1] - storedStarts[text] }
}

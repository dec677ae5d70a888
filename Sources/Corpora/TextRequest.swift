/// Which labelled texts of a dataset to take and which of their tokens to store.
///
/// Everything that decides which rows are chosen is here, so that equal requests share rows and
/// activations whatever evaluation makes them.
public struct TextRequest: Sendable, Codable, Hashable {
    /// The dataset's id in the config, such as `LabHC/bias_in_bios_class_set1`.
    public var dataset: String
    /// Which texts of the dataset are taken, and how they are grouped.
    public var selection: TextSelection
    /// Tokens kept of each text, BOS included.
    public var contextLength: Int
    /// Which end of a text is cut off beyond ``contextLength``.
    public var truncation: Truncation
    /// Which tokens of a text have their activations stored.
    public var stored: StoredTokens

    /// Which end of a long text is cut off.
    public enum Truncation: String, Sendable, Codable { case end, start }

    /// The tokens whose activations are stored.
    public enum StoredTokens: String, Sendable, Codable {
        /// All but BOS, EOS and padding.
        case content
        /// The last of each text.
        case last
    }

    /// A request; by default, long texts lose their end and all tokens of the content are stored.
    public init(
        dataset: String, selection: TextSelection, contextLength: Int,
        truncation: Truncation = .end, stored: StoredTokens = .content
    ) {
        (self.dataset, self.selection, self.contextLength) = (dataset, selection, contextLength)
        (self.truncation, self.stored) = (truncation, stored)
    }
}

/// How texts are chosen from a dataset.
public enum TextSelection: Sendable, Codable, Hashable {
    /// Texts of each class, by the rules of the dataset's family.
    ///
    /// `train` and `test` are SAE Bench's set sizes: half of each are the texts of one class.
    /// `classes` names the classes in their order; nil for those of the family.
    case classes(train: Int, test: Int, seed: Int, classes: [String]? = nil)
    /// The six groups of spurious-correlation removal for two values of the first column.
    case pair(first: String, second: String, train: Int, test: Int, seed: Int)
    /// The first rows of a dataset of two classes, in its order; groups `0` and `1`.
    case binary(limit: Int)
}

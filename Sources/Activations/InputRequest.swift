import Corpora

/// Inputs of an evaluation: rows of tokens packed from text, or labelled texts.
public enum InputRequest: Sendable, Codable, Hashable {
    case rows(RowRequest)
    case texts(TextRequest)

    /// The dataset's id in the config.
    public var dataset: String {
        switch self {
        case .rows(let request): request.dataset
        case .texts(let request): request.dataset
        }
    }

    /// The setting that ``contextSize`` comes from.
    public var contextKey: String {
        switch self {
        case .rows: "context_size"
        case .texts: "context_length"
        }
    }

    /// The most tokens of one row or text.
    public var contextSize: Int {
        switch self {
        case .rows(let request): request.contextSize
        case .texts(let request): request.contextLength
        }
    }
}

import Basics

/// What can go wrong with tokenizers.
public enum TokenizerDomain: FailureDomain {
    /// The kinds of fault.
    public enum Code: String, FailureCode {
        /// A file is not there.
        case missing
        /// A file contradicts the format.
        case malformed
        /// A tokenizer uses a part that is not implemented.
        case unsupported
        /// A conversation that a chat template does not hold.
        case conversation

        public var kind: FailureKind {
            switch self {
            case .missing, .malformed, .unsupported, .conversation: .mistake
            }
        }
    }

    /// The first word of the bracket that ends a message.
    public static let name = "tokenizers"
}

/// An error of a tokenizer file or of a text, with the value at fault and the remedy.
public typealias TokenizerError = Failure<TokenizerDomain>

extension Failure where Domain == TokenizerDomain {
    /// The error for a part of a tokenizer file that is not implemented.
    static func unsupported(_ part: String, _ value: String, source: String) -> TokenizerError {
        TokenizerError(
            .unsupported, "\(source) uses the \(part) `\(value)`, which is not implemented",
            advice: "a model with a BPE tokenizer, or report this one so that it is added")
    }

    /// The error for a part of a tokenizer file that contradicts the format.
    static func malformed(_ what: String, source: String) -> TokenizerError {
        TokenizerError(
            .malformed, "\(source): \(what)", advice: "download the tokenizer's files again")
    }
}

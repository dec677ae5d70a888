import Basics

/// What can go wrong with autoencoders and their files.
public enum AutoencoderDomain: FailureDomain {
    /// The kinds of fault.
    public enum Code: String, FailureCode {
        /// A folder, a file, a key or a tensor is not there.
        case missing
        /// A value contradicts the format.
        case malformed
        /// The file asks for something that is not read yet.
        case unsupported
        /// A tensor or an input has other axes than the configuration says.
        case shape
        /// A weight is NaN or infinite.
        case notFinite
        /// A tensor that the architecture does not know.
        case unknownTensor
        /// Two autoencoders would go by one name.
        case ambiguous

        public var kind: FailureKind {
            switch self {
            case .missing, .malformed, .unsupported, .shape, .notFinite, .unknownTensor,
                .ambiguous:
                .mistake
            }
        }
    }

    /// The first word of the bracket that ends a message.
    public static let name = "autoencoders"
}

/// An error of an autoencoder, with its file, the value at fault and the remedy.
public typealias AutoencoderError = Failure<AutoencoderDomain>

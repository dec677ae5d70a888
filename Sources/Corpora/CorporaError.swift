import Basics

/// What can go wrong with datasets.
public enum CorporaDomain: FailureDomain {
    /// The kinds of fault.
    public enum Code: String, FailureCode {
        case missing, unsupported, malformed, notText, missingColumn, empty, wrongShape
        /// A label is of another type than its column, or is missing.
        case wrongType
        /// A class has fewer rows than are wanted.
        case tooFewRows
        /// A dataset, class or pair that nobody knows.
        case unknown
        /// A frozen file of texts is not what it was when it was written.
        case damaged
        /// A number is outside its limits.
        case outOfRange

        public var kind: FailureKind {
            switch self {
            case .missing, .unsupported, .malformed, .notText, .missingColumn, .empty,
                .wrongShape, .wrongType, .tooFewRows, .unknown, .outOfRange:
                .mistake
            case .damaged: .failure
            }
        }
    }
    /// The first word of the bracket that ends a message.
    public static let name = "dataset"
}

/// An error of reading a dataset.
public typealias CorporaError = Failure<CorporaDomain>

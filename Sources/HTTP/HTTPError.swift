import Basics

/// What can go wrong with HTTP itself, apart from what servers answer.
public enum HTTPDomain: FailureDomain {
    /// The kinds of fault.
    public enum Code: String, FailureCode {
        /// libcurl does not start, or does not know an option.
        case library

        /// All of them happen to right commands.
        public var kind: FailureKind { .failure }
    }

    /// The first word of the bracket that ends a message.
    public static let name = "http"
}

/// An error of libcurl.
public typealias HTTPError = Failure<HTTPDomain>

import Basics
import Messaging

// `Messaging` is in the row of `Basics` and cannot tell the kind itself.
extension MessagingError: ClassifiedError {
    /// A wrong way to start ranks is a mistake; everything else happened to a right command.
    public var kind: FailureKind {
        switch code {
        case .launch: .mistake
        case .callFailed, .invalidRank, .tooLong, .noThreads, .finalized: .failure
        }
    }
}

import Basics
import HTTP

/// What can go wrong between this machine and the hub.
public enum HubDomain: FailureDomain {
    /// The kinds of fault.
    public enum Code: String, FailureCode {
        /// A variable of the environment holds what cannot be used.
        case badSetting
        /// The environment forbids the network.
        case offline
        /// No answer came, or it broke off too often.
        case unreachable
        /// The server answered with an error of its own, or asked to wait too long.
        case refused
        /// There is no such repository, revision or file, or not for this token.
        case notFound
        /// The repository is there and this token may not read it.
        case forbidden
        /// The answer contradicts the protocol.
        case malformed
        /// The bytes are not those that the repository promises.
        case wrongBytes
        /// The disk is too small.
        case outOfSpace
        /// The cache may not be written.
        case unwritable
        /// The system failed at something that is allowed, such as a write to a broken disk.
        case systemCall

        public var kind: FailureKind {
            switch self {
            case .badSetting, .notFound, .unwritable: .mistake
            case .offline, .unreachable, .refused, .forbidden, .malformed, .wrongBytes,
                .outOfSpace, .systemCall:
                .failure
            }
        }
    }

    /// The first word of the bracket that ends a message.
    public static let name = "hub"
}

/// An error of a download, with the repository, the value at fault and the remedy.
public typealias HubError = Failure<HubDomain>

extension Failure where Domain == HubDomain {
    /// The error of a connection that cannot be made.
    init(_ error: HTTPError) {
        self.init(.unreachable, error.message, advice: error.advice, cause: error)
    }

    /// The error of a cache that cannot be written, and the error beneath.
    static func unwritable(
        _ message: String, _ cause: BasicsError, file: String = #fileID, line: Int = #line
    ) -> HubError {
        HubError(
            HubDomain.Code(writing: cause), message,
            advice: "set HF_HUB_CACHE to a folder that you may write to and that has room",
            cause: cause, file: file, line: line)
    }
}

extension HubDomain.Code {
    /// What an error of writing a file is for the cache.
    init(writing error: BasicsError) {
        self =
            switch error.code {
            case .outOfSpace: .outOfSpace
            case .systemCall: .systemCall
            default: .unwritable
            }
    }
}

import Basics

/// What can go wrong between this machine and the hub.
public enum HubDomain: FailureDomain {
    /// The kinds of fault.
    public enum Code: String, Sendable {
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
        /// The cache cannot be written.
        case unwritable
    }

    /// The first word of the bracket that ends a message.
    public static let name = "hub"
}

/// An error of a download, with the repository, the value at fault and the remedy.
public typealias HubError = Failure<HubDomain>

import Glibc

/// The shape of every public error: a code to branch on, a sentence, a remedy, the cause beneath
/// and where it came from.
///
/// A target declares one domain and one name for it:
/// `public enum StorageDomain: FailureDomain { … }`, `public typealias StorageError =
/// Failure<StorageDomain>`.
public protocol FailureDomain: Sendable {
    /// What can go wrong in this target.
    associatedtype Code: FailureCode
    /// The first word of the bracket that ends a message, such as `storage`.
    static var name: String { get }
}

/// An error that names what went wrong, the value that caused it and what to do about it.
public struct Failure<Domain: FailureDomain>: Error, Sendable, CustomStringConvertible {
    /// What to branch on.
    public var code: Domain.Code
    /// One sentence for the reader, with the file, the value and the limit.
    public var message: String
    /// What to do about it.
    public var advice: String?
    /// The error beneath.
    public var cause: (any Error)?
    /// Where it was made.
    public var location: SourceLocation

    /// Makes an error that remembers where it was made.
    public init(
        _ code: Domain.Code, _ message: String, advice: String? = nil, cause: (any Error)? = nil,
        file: String = #fileID, line: Int = #line
    ) {
        (self.code, self.message, self.advice) = (code, Self.shortened(message), advice)
        (self.cause, location) = (cause, SourceLocation(file: file, line: line))
    }

    /// A message without the middle that nobody would read: names in foreign files have any length.
    private static func shortened(_ message: String) -> String {
        guard message.utf8.count > 4_000 else { return message }
        return "\(message.prefix(1_000)) … \(message.suffix(400))"
    }

    public var description: String {
        let reason = cause.map { " (\($0))" } ?? ""
        let hint = advice.map { " Try: \($0)." } ?? ""
        return "\(message)\(reason) [\(Domain.name).\(code.rawValue)]\(hint)"
    }
}

/// A line of the source.
public struct SourceLocation: Sendable {
    /// Module and file, such as `Basics/Failure.swift`.
    public var file: String
    /// Counted from 1.
    public var line: Int
}

/// What can go wrong with files and text of our own.
public enum BasicsDomain: FailureDomain {
    public enum Code: String, FailureCode {
        /// The file is not there, cannot be read, may not be written, or contradicts its format.
        case missing, unreadable, unwritable, malformed
        /// The disk is full.
        case outOfSpace
        /// The system failed at something that is allowed, such as a write to a broken disk.
        case systemCall

        public var kind: FailureKind {
            switch self {
            case .missing, .unreadable, .unwritable, .malformed: .mistake
            case .outOfSpace, .systemCall: .failure
            }
        }
    }
    public static let name = "basics"
}

/// An error of files, JSON text and paths.
public typealias BasicsError = Failure<BasicsDomain>

extension Failure where Domain == BasicsDomain {
    /// The error of a file or folder that cannot be written, told apart by `errno`.
    ///
    /// - Parameters:
    ///   - what: a sentence without the reason, such as `a/b cannot be written`.
    ///   - advice: what to do where the path is at fault.
    public static func unwritable(
        _ what: String, advice: String = "choose a folder that you may write to",
        file: String = #fileID, line: Int = #line
    ) -> BasicsError {
        let number = errno
        let code: BasicsDomain.Code =
            switch number {
            case ENOSPC, EDQUOT, EFBIG: .outOfSpace
            case EACCES, EPERM, EROFS, ENOENT, ENOTDIR, EISDIR, EEXIST, ENAMETOOLONG, ELOOP:
                .unwritable
            default: .systemCall
            }
        let remedy: [BasicsDomain.Code: String] = [
            .outOfSpace: "make room or choose another folder, then run the same command again",
            .systemCall: "check the disk, then run the same command again",
        ]
        return BasicsError(
            code, "\(what): \(String(cString: strerror(number)))", advice: remedy[code] ?? advice,
            file: file, line: line)
    }
}

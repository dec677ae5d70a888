/// The shape of every public error: a code to branch on, a sentence, a remedy, the cause beneath
/// and where it came from.
///
/// A target declares one domain and one name for it:
/// `public enum StorageDomain: FailureDomain { … }`, `public typealias StorageError =
/// Failure<StorageDomain>`.
public protocol FailureDomain: Sendable {
    /// What can go wrong in this target.
    associatedtype Code: RawRepresentable & Sendable & Equatable where Code.RawValue == String
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

    /// Makes an error that remembers the place of the call.
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

/// A place in the source.
public struct SourceLocation: Sendable {
    /// Module and file, such as `Basics/Failure.swift`.
    public var file: String
    /// Counted from 1.
    public var line: Int
}

/// What can go wrong with files and text of our own.
public enum BasicsDomain: FailureDomain {
    public enum Code: String, Sendable {
        case missing, unreadable, unwritable, malformed, outOfSpace
    }
    public static let name = "basics"
}

/// An error of files, JSON text and paths.
public typealias BasicsError = Failure<BasicsDomain>

/// What an error asks of whoever started the program; the raw value is the exit code for it.
public enum FailureKind: Int32, Sendable, CaseIterable {
    /// Something happened to a right command, such as a full disk or a rank that was lost.
    case failure = 1
    /// The command, its config or an input that it names is wrong: it must be changed first.
    case mistake = 64
    /// Nothing is wrong: the same command goes on later, so a batch script may repeat it.
    case resumable = 75

    /// The kind of any error; one that does not tell is a failure.
    public init(of error: any Error) {
        self = (error as? any ClassifiedError)?.kind ?? .failure
    }
}

/// An error that tells its kind.
public protocol ClassifiedError: Error {
    /// What it asks of whoever started the program.
    var kind: FailureKind { get }
}

/// The codes of a domain, each with its kind.
public protocol FailureCode: RawRepresentable, CaseIterable, Sendable, Equatable
where RawValue == String {
    /// What an error of this code asks of whoever started the program.
    var kind: FailureKind { get }
}

extension Failure: ClassifiedError {
    public var kind: FailureKind { code.kind }
}

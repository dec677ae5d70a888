import Basics

/// What can go wrong with foreign files.
public enum FormatDomain: FailureDomain {
    /// The kinds of fault a parser reports.
    public enum Code: String, FailureCode {
        /// The file or folder is not there.
        case missing
        /// The file is there and cannot be read.
        case unreadable
        /// The file ends before the bytes that it promises.
        case truncated
        /// The bytes contradict the format.
        case malformed
        /// The bytes are well formed and ask for something this reader does not do.
        case unsupported
        /// A length is beyond what this reader accepts.
        case tooLarge
        /// The file has no tensor of that name.
        case tensorMissing
        /// The file may not be written.
        case unwritable
        /// The disk is full.
        case outOfSpace
        /// The system failed at something that is allowed.
        case systemCall

        public var kind: FailureKind {
            switch self {
            case .missing, .unreadable, .truncated, .malformed, .unsupported, .tooLarge,
                .tensorMissing, .unwritable:
                .mistake
            case .outOfSpace, .systemCall: .failure
            }
        }
    }

    /// The first word of the bracket that ends a message.
    public static let name = "formats"
}

/// An error of a foreign file, with its path, the value at fault and the remedy.
public typealias FormatError = Failure<FormatDomain>

/// Maps a file and turns the failure into one of this target.
func map(_ path: String, advice: String) throws(FormatError) -> MappedFile {
    do {
        return try MappedFile(path: path)
    } catch {
        let code: FormatDomain.Code = error.code == .missing ? .missing : .unreadable
        throw FormatError(code, error.message, advice: advice)
    }
}

import Basics
import Glibc

/// What can go wrong with artifacts and journals.
public enum StorageDomain: FailureDomain {
    /// What to branch on.
    public enum Code: String, FailureCode {
        /// A file or folder is not there.
        case missing
        /// A file cannot be opened or its bytes contradict each other.
        case damaged
        /// A sound file of somebody else, or of other content than expected.
        case foreign
        /// A file of a newer format than this program knows.
        case versionTooNew
        /// Bytes differ from their checksum.
        case checksum
        /// A block, or a file, is not finished.
        case incomplete
        /// The disk is full.
        case outOfSpace
        /// The path may not be written.
        case unwritable
        /// The system failed at something that is allowed, such as a write to a broken disk.
        case systemCall
        /// Another run holds the file.
        case busy
        /// A value that this call does not allow.
        case invalid
        /// A call of HDF5 failed.
        case hdf5
        /// Another rank failed in a step that all take together.
        case otherRank

        public var kind: FailureKind {
            switch self {
            case .foreign, .versionTooNew, .unwritable: .mistake
            case .missing, .damaged, .checksum, .incomplete, .outOfSpace, .systemCall, .invalid,
                .hdf5, .otherRank:
                .failure
            case .busy: .resumable
            }
        }
    }
    /// The first word in brackets.
    public static let name = "storage"
}

/// An error of artifacts and journals.
public typealias StorageError = Failure<StorageDomain>

extension Failure where Domain == StorageDomain {
    /// The error of a lock that another run holds.
    static func busy(_ path: String, purpose: LockPurpose, owner: String?) -> StorageError {
        StorageError(
            .busy,
            "\(path) is in use by another run\(owner.map { " (\($0))" } ?? "") that writes \(purpose.rawValue)",
            advice: purpose.advice)
    }

    /// An error of a system call on a file, from `errno`.
    static func system(
        _ path: String, _ action: String, file: String = #fileID, line: Int = #line
    ) -> StorageError {
        let number = errno
        let reason = String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT, EFBIG:
            return StorageError(
                .outOfSpace, "\(path) cannot be \(action): \(reason)",
                advice: "make room or choose another folder, then run the same command again",
                file: file, line: line)
        case ENOENT:
            return StorageError(
                .missing, "\(path) cannot be \(action): \(reason)", advice: "check the path",
                file: file, line: line)
        case EACCES, EPERM, EROFS, ENOTDIR, EISDIR, EEXIST, ENAMETOOLONG, ELOOP:
            return StorageError(
                .unwritable, "\(path) cannot be \(action): \(reason)",
                advice: "check the permissions of the file and its folder", file: file, line: line)
        default:
            return StorageError(
                .systemCall, "\(path) cannot be \(action): \(reason)",
                advice: "check the disk, then run the same command again", file: file, line: line)
        }
    }
}

/// What can go wrong with a run as a whole.
public enum RunDomain: FailureDomain {
    public enum Code: String, FailureCode {
        case badConfig, unknownKey, missingKey, missing, unsuitable, mixedConfigs
        /// The plan needs more disk or memory than there is.
        case noSpace, noMemory
        /// The disk is full.
        case outOfSpace
        /// A file that would be replaced.
        case exists
        /// A file of an earlier run is not what it was.
        case damaged
        case lostRank
        /// Another run has the folder.
        case inUse

        public var kind: FailureKind {
            switch self {
            case .badConfig, .unknownKey, .missingKey, .missing, .unsuitable, .noSpace, .noMemory,
                .mixedConfigs, .exists:
                .mistake
            case .outOfSpace, .damaged, .lostRank: .failure
            case .inUse: .resumable
            }
        }
    }
    public static let name = "run"
}

/// An error of a run's config, plan or execution.
public typealias RunError = Failure<RunDomain>

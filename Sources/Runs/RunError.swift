import Basics

/// What can go wrong with a run as a whole.
public enum RunDomain: FailureDomain {
    public enum Code: String, Sendable {
        case badConfig, unknownKey, missingKey, missing, unsuitable, noSpace, noMemory,
            mixedConfigs, lostRank, inUse
    }
    public static let name = "run"
}

/// An error of a run's config, plan or execution.
public typealias RunError = Failure<RunDomain>

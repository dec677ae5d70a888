import Basics

/// What can go wrong with probes.
public enum ProbeDomain: FailureDomain {
    public enum Code: String, FailureCode {
        case oneClass, wrongShape, outOfRange, notFinite, notConverged

        public var kind: FailureKind {
            switch self {
            case .oneClass, .outOfRange: .mistake
            case .wrongShape, .notFinite, .notConverged: .failure
            }
        }
    }
    public static let name = "probe"
}

/// An error of training or judging a probe.
public typealias ProbeError = Failure<ProbeDomain>

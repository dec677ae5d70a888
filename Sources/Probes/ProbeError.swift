import Basics

/// What can go wrong with probes.
public enum ProbeDomain: FailureDomain {
    public enum Code: String, Sendable {
        case oneClass, wrongShape, outOfRange, notFinite, notConverged
    }
    public static let name = "probe"
}

/// An error of training or judging a probe.
public typealias ProbeError = Failure<ProbeDomain>

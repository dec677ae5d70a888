import Basics

/// What can go wrong in settings and evaluations.
public enum EvaluationDomain: FailureDomain {
    public enum Code: String, Sendable {
        case unknownKey, wrongType, outOfRange, unknownEvaluation, unsuitable, notFinite,
            damagedPartial
    }
    public static let name = "evaluation"
}

/// An error of settings or of an evaluation.
public typealias EvaluationError = Failure<EvaluationDomain>

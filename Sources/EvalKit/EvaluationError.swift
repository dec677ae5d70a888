import Basics

/// What can go wrong in settings and evaluations.
public enum EvaluationDomain: FailureDomain {
    public enum Code: String, FailureCode {
        case unknownKey, wrongType, outOfRange, unknownEvaluation, unsuitable, notFinite,
            damagedPartial

        public var kind: FailureKind {
            switch self {
            case .unknownKey, .wrongType, .outOfRange, .unknownEvaluation, .unsuitable: .mistake
            case .notFinite, .damagedPartial: .failure
            }
        }
    }
    public static let name = "evaluation"
}

/// An error of settings or of an evaluation.
public typealias EvaluationError = Failure<EvaluationDomain>

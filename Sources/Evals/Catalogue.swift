import EvalKit

/// Every evaluation, one line each.
public let evaluationCatalogue: [EvaluationEntry] = [
    EvaluationEntry(Core.self),
    EvaluationEntry(SparseProbing.self),
    EvaluationEntry(SAEProbes.self),
    EvaluationEntry(SCR.self),
    EvaluationEntry(TPP.self),
]

import CLBFGS

/// Minimises `mean log-loss + penalty/2 · ‖w‖²` with the L-BFGS of liblbfgs.
///
/// The variables are `v` with `w = S L⁻ᵀ v`, where `S` scales the second derivatives at zero to 1 and
/// `L Lᵀ` are the scaled ones: the same objective in coordinates in which it is round at first. The
/// run ends when `‖gradient by v‖ ≤ 1e-8 · objective`, about what double precision can tell apart.
///
/// - Parameter solution: where to begin, replaced by the optimum.
/// - Throws: ``ProbeError`` when liblbfgs fails or stops far from the optimum.
func minimizeRidge(
    _ problem: LogisticProblem, penalty: Double, _ solution: inout CentredProbe
) throws(ProbeError) {
    let run = RidgeRun(problem, penalty: penalty)
    try run.start(from: solution)
    // A line search that can no longer tell values apart ends a run; a fresh one forgets the
    // curvature that misled it.
    var status: Int32 = 0
    for _ in 0..<RidgeRun.attempts {
        status = run.minimize()
        guard RidgeRun.isTolerable(status) else { break }
        if run.distance <= RidgeRun.nearlyGoal { break }
    }
    guard RidgeRun.isTolerable(status), run.distance <= RidgeRun.limit else {
        throw ProbeError(
            .notConverged,
            "L-BFGS stopped with code \(status) and a gradient of \(run.distance) of the objective "
                + "for \(problem.count) rows of \(problem.columns) features, penalty \(penalty)",
            advice: "give a stronger penalty or features of a sensible size")
    }
    solution = run.solution
}

/// One minimisation: what liblbfgs calls back into.
private final class RidgeRun {
    /// Where a run ends: the norm of the gradient over the objective.
    static let goal = 1e-7
    /// Where another attempt is no longer worth its time.
    static let nearlyGoal = 1e-6
    /// What is accepted when the arithmetic gives no more.
    static let limit = 1e-5
    static let attempts = 4
    static let steps: Int32 = 20_000
    /// One over the root of the intercept's second derivative at zero, which is 1/4.
    static let interceptScale = 2.0

    private let problem: LogisticProblem
    private let penalty: Double
    private let coordinates: RidgeCoordinates
    private let weights: UnsafeMutablePointer<Double>
    /// The variables: scaled weights, then the scaled intercept; nil without memory.
    private let variables: UnsafeMutablePointer<Double>?
    /// `‖gradient‖ / objective` at the last accepted point.
    private(set) var distance = Double.infinity

    init(_ problem: LogisticProblem, penalty: Double) {
        (self.problem, self.penalty) = (problem, penalty)
        coordinates = RidgeCoordinates(problem, penalty: penalty)
        weights = .allocate(capacity: problem.columns)
        weights.initialize(repeating: 0, count: problem.columns)
        variables = lbfgs_malloc(Int32(problem.columns + 1))
    }

    deinit {
        weights.deallocate()
        if let variables { lbfgs_free(variables) }
    }

    /// Places the variables.
    func start(from solution: CentredProbe) throws(ProbeError) {
        guard let variables else {
            throw ProbeError(.outOfRange, "No memory for \(problem.columns + 1) variables")
        }
        for j in 0..<problem.columns { variables[j] = solution.weights[j] }
        coordinates.enter(variables)
        variables[problem.columns] = solution.intercept / Self.interceptScale
    }

    /// The point that was reached.
    var solution: CentredProbe {
        guard let variables else { return CentredProbe(columns: problem.columns) }
        weights.update(from: variables, count: problem.columns)
        coordinates.leave(weights)
        return CentredProbe(
            weights: (0..<problem.columns).map { weights[$0] },
            intercept: variables[problem.columns] * Self.interceptScale)
    }

    /// Runs liblbfgs from the variables as they are and returns its code.
    func minimize() -> Int32 {
        var settings = lbfgs_parameter_t()
        lbfgs_parameter_init(&settings)
        settings.m = 40
        settings.epsilon = 0
        settings.max_iterations = Self.steps
        settings.max_linesearch = 20
        let status = lbfgs(
            Int32(problem.columns + 1), variables, nil,
            { run, x, gradient, _, _ in
                guard let run, let x, let gradient else { return .nan }
                return RidgeRun.from(run).evaluate(x, gradient)
            },
            { run, _, _, value, _, gradientNorm, _, _, _, _ in
                guard let run else { return 1 }
                return RidgeRun.from(run).isDone(value, gradientNorm) ? 1 : 0
            },
            Unmanaged.passUnretained(self).toOpaque(), &settings)
        measure()
        return status
    }

    /// Codes after which the point reached is worth a look: the goal or liblbfgs' own, or a line
    /// search or a count of steps that came to its end.
    static func isTolerable(_ status: Int32) -> Bool {
        status >= 0 || ends.contains(status)
    }

    private static let ends: Set<Int32> = Set(
        [
            LBFGSERR_OUTOFINTERVAL, LBFGSERR_INCORRECT_TMINMAX, LBFGSERR_ROUNDING_ERROR,
            LBFGSERR_MINIMUMSTEP, LBFGSERR_MAXIMUMSTEP, LBFGSERR_MAXIMUMLINESEARCH,
            LBFGSERR_MAXIMUMITERATION, LBFGSERR_WIDTHTOOSMALL, LBFGSERR_INCREASEGRADIENT,
        ].map { Int32($0) })

    private static func from(_ pointer: UnsafeMutableRawPointer) -> RidgeRun {
        Unmanaged<RidgeRun>.fromOpaque(pointer).takeUnretainedValue()
    }

    private func isDone(_ value: Double, _ gradientNorm: Double) -> Bool {
        gradientNorm <= Self.goal * value
    }

    /// Objective and gradient at some variables.
    private func evaluate(
        _ x: UnsafePointer<Double>, _ gradient: UnsafeMutablePointer<Double>
    ) -> Double {
        let columns = problem.columns
        weights.update(from: x, count: columns)
        coordinates.leave(weights)
        let loss = problem.loss(
            weights: weights, intercept: x[columns] * Self.interceptScale, gradient: gradient)
        var squares = 0.0
        for j in 0..<columns {
            squares += weights[j] * weights[j]
            gradient[j] += penalty * weights[j]
        }
        coordinates.turn(gradient)
        gradient[columns] = loss.interceptGradient * Self.interceptScale
        return loss.value + penalty / 2 * squares
    }

    /// Computes ``distance`` at the variables.
    private func measure() {
        guard let variables else { return }
        let size = problem.columns + 1
        let gradient = UnsafeMutablePointer<Double>.allocate(capacity: size)
        gradient.initialize(repeating: 0, count: size)
        defer { gradient.deallocate() }
        let value = evaluate(variables, gradient)
        distance = dotProduct(gradient, gradient, size).squareRoot() / value
    }
}

import CLBFGS

/// Minimises `mean log-loss + penalty/2 · ‖w‖²` with the L-BFGS of liblbfgs.
///
/// For the optimum the variables are those of ``RidgeCoordinates``, in which the objective is round
/// at first, and the run ends when `‖gradient‖ ≤ 1e-7 · objective`, 1e-5 with more than 128 columns.
///
/// For scikit-learn's stop they are weights and intercept of the columns as they are, from zero, and
/// the run ends when no derivative exceeds 1e-4 or the objective falls by less than 64 units in the
/// last place, after at most 1000 steps. SciPy's L-BFGS-B without bounds takes the same steps: the
/// same memory of 10, first step and line search.
///
/// - Parameter solution: where to begin, replaced by the optimum.
/// - Throws: ``ProbeError`` when liblbfgs fails or stops far from the optimum.
func minimizeRidge(
    _ problem: LogisticProblem, penalty: Double, stop: LogisticSettings.Stop,
    _ solution: inout CentredProbe
) throws(ProbeError) {
    let run = RidgeRun(problem, penalty: penalty, stop: stop)
    try run.start(from: solution)
    var status = run.minimize()
    // A line search that can no longer tell values apart ends a run. A fresh one forgets the
    // curvature that misled it; then one from zero, and one that only halves its steps.
    for attempt in 1..<RidgeRun.attempts where stop == .optimum {
        guard RidgeRun.isTolerable(status), run.distance > 10 * run.goal else { break }
        if attempt >= 3, run.distance <= RidgeRun.limit { break }
        if attempt == 3 { try run.start(from: CentredProbe(columns: problem.columns)) }
        run.halvesSteps = attempt % 2 == 0 || attempt > 3
        status = run.minimize()
    }
    guard RidgeRun.isTolerable(status), stop == .scikitLearn || run.distance <= RidgeRun.limit
    else {
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
    /// Where a run for the optimum ends: the norm of the gradient over the objective. Many columns
    /// have flat directions that cost thousands of steps and move no prediction.
    let goal: Double
    /// What is accepted when the arithmetic gives no more: the objective is then within about a
    /// millionth of its least value.
    static let limit = 1e-3
    static let attempts = 8
    /// One over the root of the intercept's second derivative at zero, which is 1/4.
    static let interceptScale = 2.0

    private let problem: LogisticProblem
    private let penalty: Double
    /// Nil for the columns as they are.
    private let coordinates: RidgeCoordinates?
    private let weights: UnsafeMutablePointer<Double>
    /// The variables: those of the weights, then that of the intercept; nil without memory.
    private let variables: UnsafeMutablePointer<Double>?
    /// Whether the line search only shortens its first step, which rounding cannot mislead.
    var halvesSteps = false
    /// The objective at the last accepted point; nil before the first evaluation.
    private var lastValue: Double?
    /// `‖gradient‖ / objective` at the end.
    private(set) var distance = Double.infinity

    init(_ problem: LogisticProblem, penalty: Double, stop: LogisticSettings.Stop) {
        (self.problem, self.penalty) = (problem, penalty)
        goal = problem.columns <= RidgeCoordinates.mostColumns ? 1e-7 : 1e-5
        coordinates = stop == .optimum ? RidgeCoordinates(problem, penalty: penalty) : nil
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
        guard let coordinates else {
            for j in 0...problem.columns { variables[j] = 0 }
            return
        }
        for j in 0..<problem.columns { variables[j] = solution.weights[j] }
        coordinates.enter(variables)
        variables[problem.columns] = solution.intercept / Self.interceptScale
    }

    /// The point that was reached.
    var solution: CentredProbe {
        guard let variables else { return CentredProbe(columns: problem.columns) }
        let intercept = place(variables)
        return CentredProbe(
            weights: (0..<problem.columns).map { weights[$0] }, intercept: intercept)
    }

    /// Runs liblbfgs from the variables as they are and returns its code.
    func minimize() -> Int32 {
        var settings = settings
        let status = lbfgs(
            Int32(problem.columns + 1), variables, nil,
            { run, x, gradient, _, _ in
                guard let run, let x, let gradient else { return .nan }
                return RidgeRun.from(run).evaluate(x, gradient)
            },
            { run, _, gradient, value, _, norm, _, _, _, _ in
                guard let run, let gradient else { return 1 }
                return RidgeRun.from(run).isDone(value, gradient, norm: norm) ? 1 : 0
            },
            Unmanaged.passUnretained(self).toOpaque(), &settings)
        measure()
        return status
    }

    private var settings: lbfgs_parameter_t {
        var settings = lbfgs_parameter_t()
        lbfgs_parameter_init(&settings)
        // The library's own criterion is relative to the variables; ours are in `isDone`.
        settings.epsilon = 0
        if coordinates == nil {
            (settings.m, settings.max_iterations) = (10, 1000)
            (settings.ftol, settings.gtol, settings.max_linesearch) = (1e-3, 0.9, 50)
        } else {
            (settings.m, settings.max_iterations, settings.max_linesearch) = (40, 20_000, 20)
            if halvesSteps {
                settings.linesearch = Int32(LBFGS_LINESEARCH_BACKTRACKING_WOLFE)
                settings.max_linesearch = 60
            }
        }
        return settings
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

    /// Whether a point is the last.
    private func isDone(_ value: Double, _ gradient: UnsafePointer<Double>, norm: Double) -> Bool {
        guard coordinates == nil else { return norm <= goal * value }
        let last = lastValue ?? value
        let (gain, size) = (last - value, max(abs(last), abs(value), 1))
        lastValue = value
        return (0...problem.columns).allSatisfy { abs(gradient[$0]) <= 1e-4 }
            || gain <= 64 * Double.ulpOfOne * size
    }

    /// Sets the weights from variables and returns the intercept for centred columns.
    private func place(_ x: UnsafePointer<Double>) -> Double {
        let columns = problem.columns
        weights.update(from: x, count: columns)
        guard let coordinates else {
            return problem.means.withUnsafeBufferPointer { means in
                means.baseAddress.map { x[columns] + dotProduct($0, x, columns) } ?? x[columns]
            }
        }
        coordinates.leave(weights)
        return x[columns] * Self.interceptScale
    }

    /// Objective and gradient at some variables.
    private func evaluate(
        _ x: UnsafePointer<Double>, _ gradient: UnsafeMutablePointer<Double>
    ) -> Double {
        let columns = problem.columns
        let loss = problem.loss(weights: weights, intercept: place(x), gradient: gradient)
        var squares = 0.0
        for j in 0..<columns {
            squares += weights[j] * weights[j]
            gradient[j] += penalty * weights[j]
        }
        if let coordinates {
            coordinates.turn(gradient)
            gradient[columns] = loss.interceptGradient * Self.interceptScale
        } else {
            for j in 0..<columns { gradient[j] += problem.means[j] * loss.interceptGradient }
            gradient[columns] = loss.interceptGradient
        }
        let value = loss.value + penalty / 2 * squares
        lastValue = lastValue ?? value
        return value
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

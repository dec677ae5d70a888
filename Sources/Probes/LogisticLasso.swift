import Kernels

/// Minimises `mean log-loss + penalty · ‖w‖₁` by Newton's method: every step minimises the second
/// order model of the loss plus the penalty by coordinate descent, then searches along the line.
///
/// Ours rather than the orthant-wise L-BFGS of liblbfgs: that wants one scale for all columns, since
/// it has one coefficient for all weights, and stops by the norm of the gradient over that of the
/// weights. On columns of different size it took hundreds of passes over the rows and left
/// violations of the optimum's conditions of many times the penalty; this takes ten to thirty.
///
/// - Parameter solution: where to begin, replaced by the optimum.
/// - Throws: ``ProbeError`` when the optimum is not reached.
/// - Source: Yuan, Ho and Lin 2012, *An improved GLMNET for L1-regularized logistic regression*.
/// - Cost: `rows · columns²` FLOP for each step.
func minimizeLasso(
    _ problem: LogisticProblem, penalty: Double, _ solution: inout CentredProbe
) throws(ProbeError) {
    var run = LassoRun(problem, penalty: penalty, start: solution)
    for _ in 0..<LassoRun.steps {
        if run.step() {
            solution = run.point
            return
        }
    }
    throw ProbeError(
        .notConverged,
        "L1 logistic regression did not settle in \(LassoRun.steps) steps for \(problem.count) rows "
            + "of \(problem.columns) features, penalty \(penalty)",
        advice: "give a stronger penalty or features of a sensible size")
}

/// One minimisation.
private struct LassoRun {
    static let steps = 500
    /// Rounds of coordinate descent for one step.
    static let rounds = 60
    /// The decrease that the model promises, over the objective, at which the run ends.
    static let goal = 1e-14
    /// Rows whose second derivatives are added at a time.
    static let blockRows = 256

    private let problem: LogisticProblem
    private let penalty: Double
    /// Columns and the intercept.
    private let size: Int
    private(set) var point: CentredProbe
    private var decisions: [Double]
    private var value: Double
    /// Second derivatives, `[size, size]`.
    private var curvature: [Double]
    /// First derivatives of the loss, `[size]`.
    private var gradient: [Double]

    init(_ problem: LogisticProblem, penalty: Double, start: CentredProbe) {
        (self.problem, self.penalty, point) = (problem, penalty, start)
        size = problem.columns + 1
        decisions = problem.decisions(start)
        curvature = [Double](repeating: 0, count: size * size)
        gradient = [Double](repeating: 0, count: size)
        value = 0
        value = objective(decisions, point.weights)
    }

    /// One Newton step; returns whether the optimum is reached.
    mutating func step() -> Bool {
        expand()
        let move = modelMinimum()
        let promised = move.promised
        guard promised > 0 else { return true }
        let isLast = promised <= Self.goal * value
        let slopes = slopes(of: move.direction)
        var length = 1.0
        while length > 1e-10 {
            let next = moved(by: length, along: move.direction, slopes)
            let reached = objective(next.decisions, next.point.weights)
            // The last step is so short that rounding hides what it gains.
            if reached <= value - 0.01 * length * promised
                || (isLast && reached <= value * (1 + 1e-14))
            {
                (point, decisions, value) = (next.point, next.decisions, reached)
                return isLast
            }
            length /= 2
        }
        return promised <= 1e-10 * value
    }

    // MARK: - The model

    /// First and second derivatives at the point.
    private mutating func expand() {
        let (columns, size) = (problem.columns, size)
        let scale = 1 / Double(problem.count)
        for j in gradient.indices { gradient[j] = 0 }
        for j in curvature.indices { curvature[j] = 0 }
        // Rows with a 1 for the intercept, times the roots of their weights: [block, size].
        let weighted = UnsafeMutablePointer<Double>.allocate(capacity: Self.blockRows * size)
        defer { weighted.deallocate() }
        for first in stride(from: 0, to: problem.count, by: Self.blockRows) {
            let block = first..<min(first + Self.blockRows, problem.count)
            problem.rows.withUnsafeBufferPointer { rows in
                gradient.withUnsafeMutableBufferPointer { gradient in
                    guard let rows = rows.baseAddress, let gradient = gradient.baseAddress
                    else { return }
                    for i in block {
                        let row = rows + i * columns
                        let slope = logisticTerm(decisions[i], label: problem.labels[i]).slope
                        addMultiple(slope * scale, of: row, to: gradient, columns)
                        gradient[columns] += slope * scale
                        let probability = sigmoid(-abs(decisions[i]))
                        let root = (probability * (1 - probability) * scale).squareRoot()
                        let target = weighted + (i - first) * size
                        for j in 0..<columns { target[j] = root * row[j] }
                        target[columns] = root
                    }
                }
            }
            addGramMatrix(
                of: weighted, count: block.count, columns: size, factor: 1, to: &curvature)
        }
        for j in 0..<size {
            for l in 0..<j { curvature[l * size + j] = curvature[j * size + l] }
        }
    }

    /// The step to the model's minimum and the decrease of the objective that it promises.
    ///
    /// Rounds of coordinate descent find out which weights are zero; between rounds the others go
    /// where the model is lowest given their signs, which coordinate descent would take thousands of
    /// rounds for where columns are alike.
    private func modelMinimum() -> (direction: [Double], promised: Double) {
        var direction = [Double](repeating: 0, count: size)
        // The model's gradient at the direction, without the penalty.
        var slope = gradient
        var sweeps = 4
        for _ in 0..<Self.rounds {
            if descend(&direction, &slope, sweeps: sweeps) { break }
            solveActive(&direction, &slope)
            sweeps = min(2 * sweeps, 1000)
        }
        // g·d + d·H·d/2 = (g + slope)·d / 2, since slope = g + H d.
        var promised = 0.0
        for j in 0..<size { promised -= (gradient[j] + slope[j]) * direction[j] / 2 }
        for j in 0..<problem.columns {
            let weight = point.weights[j]
            promised -= penalty * (abs(weight + direction[j]) - abs(weight))
        }
        return (direction, promised)
    }

    /// Sweeps over all coordinates; returns whether the model's minimum is reached.
    private func descend(_ direction: inout [Double], _ slope: inout [Double], sweeps: Int) -> Bool
    {
        curvature.withUnsafeBufferPointer { curvature in
            slope.withUnsafeMutableBufferPointer { slope in
                guard let curvature = curvature.baseAddress, let slope = slope.baseAddress else {
                    return true
                }
                for _ in 0..<sweeps {
                    var gained = 0.0
                    for j in 0..<size {
                        let second = curvature[j * size + j]
                        guard second > 1e-300 else { continue }
                        let change = change(j, at: direction[j], slope[j], second)
                        guard change != 0 else { continue }
                        direction[j] += change
                        addMultiple(change, of: curvature + j * size, to: slope, size)
                        gained += second * change * change
                    }
                    if gained <= 1e-18 * value { return true }
                }
                return false
            }
        }
    }

    /// Moves the weights that are not zero, and the intercept, to the model's minimum given their
    /// signs, or as far towards it as the first that becomes zero.
    private func solveActive(_ direction: inout [Double], _ slope: inout [Double]) {
        let columns = problem.columns
        let active = (0..<size).filter { j in
            curvature[j * size + j] > 1e-300
                && (j == columns || point.weights[j] + direction[j] != 0)
        }
        var matrix = [Double](repeating: 0, count: active.count * active.count)
        var move = [Double](repeating: 0, count: active.count)
        for (a, i) in active.enumerated() {
            for (b, j) in active[...a].enumerated() {
                matrix[a * active.count + b] = curvature[i * size + j]
            }
            matrix[a * active.count + a] *= 1 + 1e-13
            let weight = i == columns ? 0 : point.weights[i] + direction[i]
            move[a] = -slope[i] - (weight > 0 ? penalty : weight < 0 ? -penalty : 0)
        }
        guard let factor = CholeskyFactor(matrix, size: active.count) else { return }
        move.withUnsafeMutableBufferPointer { move in
            guard let base = move.baseAddress else { return }
            factor.solveLower(base)
            factor.solveUpper(base)
        }
        // How far until a weight changes its sign, and which.
        var (length, first) = (1.0, -1)
        for (a, i) in active.enumerated() where i < columns {
            let weight = point.weights[i] + direction[i]
            if (weight + length * move[a]) * weight < 0 { (length, first) = (-weight / move[a], a) }
        }
        for (a, i) in active.enumerated() {
            let change = a == first ? -point.weights[i] - direction[i] : length * move[a]
            direction[i] += change
            for j in 0..<size { slope[j] += change * curvature[i * size + j] }
        }
    }

    /// The best change of one coordinate of the direction.
    private func change(_ j: Int, at step: Double, _ slope: Double, _ second: Double) -> Double {
        guard j < problem.columns else { return -slope / second }
        let weight = point.weights[j] + step
        let free = weight - slope / second
        let threshold = penalty / second
        let next = free > threshold ? free - threshold : free < -threshold ? free + threshold : 0
        return next - weight
    }

    // MARK: - The line

    /// What each row's log-odds gain along a direction.
    private func slopes(of direction: [Double]) -> [Double] {
        problem.decisions(
            CentredProbe(
                weights: Array(direction.dropLast()), intercept: direction[problem.columns]))
    }

    private func moved(by length: Double, along direction: [Double], _ slopes: [Double]) -> (
        point: CentredProbe, decisions: [Double]
    ) {
        var next = point
        for j in next.weights.indices { next.weights[j] += length * direction[j] }
        next.intercept += length * direction[problem.columns]
        var moved = decisions
        for i in moved.indices { moved[i] += length * slopes[i] }
        return (next, moved)
    }

    private func objective(_ decisions: [Double], _ weights: [Double]) -> Double {
        var sum = 0.0
        for (decision, label) in zip(decisions, problem.labels) {
            sum += logisticTerm(decision, label: label).loss
        }
        return sum / Double(problem.count) + penalty * weights.reduce(0) { $0 + abs($1) }
    }
}

import Basics
import EvalKit
import Plans

/// One result of a run: an evaluation of an autoencoder.
struct ResultItem: Sendable {
    /// Index of the evaluation in the plan.
    var evaluation: Int
    /// Index of the cohort in the plan.
    var cohort: Int
    /// The autoencoder.
    var subject: SubjectIndex
}

/// The results of a plan and the partial results that each waits for.
struct PendingResults {
    /// All results in the order of cohorts, evaluations and autoencoders.
    let items: [ResultItem]
    /// For each result the keys of its partial results in the order of units.
    private let keys: [[ContentHash]]
    /// For each result how many partial results it waits for.
    private var missing: [Int]
    /// The results that wait for a partial result, with repetitions.
    private var waiting: [ContentHash: [Int]] = [:]

    /// - Parameter isDone: whether the partial result of a key is there already.
    init(_ plan: RunPlan, isDone: (ContentHash) -> Bool) {
        var keys: [[Int]: [ContentHash]] = [:]
        for unit in plan.units {
            for (subject, key) in zip(unit.subjects, unit.keys) {
                keys[[unit.cohort, unit.evaluation, subject.value], default: []].append(key)
            }
        }
        let order = keys.keys.sorted { $0.lexicographicallyPrecedes($1) }
        items = order.map {
            ResultItem(evaluation: $0[1], cohort: $0[0], subject: SubjectIndex($0[2]))
        }
        self.keys = order.map { keys[$0] ?? [] }
        missing = [Int](repeating: 0, count: items.count)
        for index in items.indices {
            for key in self.keys[index] where !isDone(key) {
                missing[index] += 1
                waiting[key, default: []].append(index)
            }
        }
    }

    /// Results whose partial results are all there.
    var complete: [Int] { missing.indices.filter { missing[$0] == 0 } }

    /// Takes in that partial results are there.
    ///
    /// - Returns: the results that this completes, in order.
    mutating func add(_ keys: [ContentHash]) -> [Int] {
        var completed: [Int] = []
        for index in keys.flatMap({ waiting.removeValue(forKey: $0) ?? [] }) {
            missing[index] -= 1
            if missing[index] == 0 { completed.append(index) }
        }
        return completed.sorted()
    }

    /// The partial results of a result, in the order of units.
    func texts(of index: Int, in partials: [ContentHash: String]) -> [String] {
        keys[index].compactMap { partials[$0] }
    }
}

import Basics

/// The binary task of one class among several: all of its rows, and as many rows of the others.
///
/// Of each other class, in order, a permutation gives the same share of rows; a permutation of those
/// leaves as many as there are positives; a last one mixes both. Draws of two calls are independent,
/// so the same class gets other negatives each time.
///
/// - Source: behaviour of SAE Bench 0.6.0's sparse probing, its draws in the same order.
/// - Parameters:
///   - positive: The class, an index into `groups`.
///   - groups: The rows of each class; at least two classes.
public func sampledTask(
    of positive: Int, among groups: [[Int]], using generator: inout TorchGenerator
) -> ProbeTask {
    precondition(groups.count > 1, "a task of one class among \(groups.count)")
    let positives = groups[positive]
    let others = groups.count - 1
    let share = (positives.count + others - 1) / others
    var candidates: [Int] = []
    for (index, rows) in groups.enumerated() where index != positive {
        for draw in generator.permutation(rows.count).prefix(share) {
            candidates.append(rows[draw])
        }
    }
    return pairedTask(positives: positives, negatives: candidates, using: &generator)
}

/// The binary task of two groups of rows, mixed; of the negatives at most as many as there are
/// positives, drawn without replacement.
///
/// - Source: behaviour of SAE Bench 0.6.0 for spurious-correlation removal.
public func pairedTask(
    positives: [Int], negatives: [Int], using generator: inout TorchGenerator
) -> ProbeTask {
    let chosen = generator.permutation(negatives.count).prefix(positives.count)
    let rows = positives + chosen.map { negatives[$0] }
    let order = generator.permutation(rows.count)
    return ProbeTask(rows: order.map { rows[$0] }, labels: order.map { $0 < positives.count })
}

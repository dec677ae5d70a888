import Basics
import Glibc

/// A probe whose penalty was chosen on examples held out from its training rows.
public struct SearchedProbe: Sendable, Equatable {
    /// The probe, fitted on all training rows with the chosen penalty.
    public var probe: LogisticProbe
    /// The `C` that was chosen; nil with so few rows that nothing was held out.
    public var inverseStrength: Double?
    /// The mean area under the curve on the rows held out, or on the training rows where none were.
    public var validationAUC: Double
}

/// Chooses among ten strengths of the penalty by the area under the curve on rows held out, then fits
/// all rows.
///
/// Of equal areas the weakest penalty wins. Up to 3 rows get `C = 1`; up to 12 rows hold out every
/// pair; fewer than 128 are six folds, shuffled and stratified; more hold out the last fifth, at most
/// 100. Folds whose held-out rows are of one class are left out; one whose training rows are counts
/// as 0.5.
///
/// - Parameters:
///   - features: `[rows, columns]`, row major.
///   - stop: where fits with an L2 penalty end.
///   - seed: draws the folds.
/// - Throws: ``ProbeError`` when the rows, or those held out, are of one class.
/// - Source: the search of sae-probes 0.4.2, which permutes the rows before the last fit; an optimum
///   does not depend on their order.
/// - Cost: eleven fits; those of one fold start from each other, weakest probe first.
public func searchedProbe(
    _ features: [Float], columns: Int, labels: [Bool], penalty: LogisticSettings.Penalty,
    stop: LogisticSettings.Stop = .optimum, seed: UInt32
) throws(ProbeError) -> SearchedProbe {
    var settings = LogisticSettings(penalty: penalty, stop: stop)
    let all = try LogisticProblem(features, columns: columns, labels: labels)
    guard labels.count > 3 else {
        let probe = try all.optimum(settings)
        let area = try areaUnderCurve(of: probe.decisions(features), labels: labels)
        return SearchedProbe(probe: probe, inverseStrength: nil, validationAUC: area)
    }
    let folds = try Fold.list(labels: labels, seed: seed)
    var areas = [Double](repeating: 0, count: searchedStrengths.count)
    for fold in folds {
        let scores = try fold.areas(features, columns: columns, labels: labels, settings)
        for index in areas.indices { areas[index] += scores[index] }
    }
    var best = 0
    for index in areas.indices where areas[index] > areas[best] { best = index }
    settings.inverseStrength = searchedStrengths[best]
    return SearchedProbe(
        probe: try all.optimum(settings), inverseStrength: settings.inverseStrength,
        validationAUC: areas[best] / Double(folds.count))
}

/// Ten values of `C` from 1e5 down to 1e-5, even in their logarithms.
public let searchedStrengths: [Double] = (0..<10).map { pow(10, 5 - 10 * Double($0) / 9) }

/// Rows to train on and rows held out.
struct Fold: Equatable {
    var training: [Int]
    var heldOut: [Int]

    /// The folds of a search over some rows; see ``searchedProbe(_:columns:labels:penalty:seed:)``.
    static func list(labels: [Bool], seed: UInt32) throws(ProbeError) -> [Fold] {
        let count = labels.count
        guard count < 128 else {
            let start = count - min(count / 5, 100)
            return [Fold(training: Array(0..<start), heldOut: Array(start..<count))]
        }
        let folds =
            count <= 12 ? pairs(count) : try stratified(labels: labels, folds: 6, seed: seed)
        return folds.filter { fold in
            Set(fold.heldOut.map { labels[$0] }).count == 2
        }
    }

    /// Every pair of rows held out in turn.
    private static func pairs(_ count: Int) -> [Fold] {
        (0..<count).flatMap { first in
            (first + 1..<count).map { second in
                Fold(
                    training: (0..<count).filter { $0 != first && $0 != second },
                    heldOut: [first, second])
            }
        }
    }

    /// Folds that hold each class in its share.
    ///
    /// - Source: the assignment of `StratifiedKFold(shuffle=True)` of scikit-learn 1.9.1: classes in
    ///   the order of appearance, dealt to the folds from a sorted list, then shuffled class by class.
    static func stratified(labels: [Bool], folds: Int, seed: UInt32) throws(ProbeError) -> [Fold] {
        let first = labels.first ?? false
        let classes = [first, !first].map { label in labels.indices.filter { labels[$0] == label } }
        guard classes.contains(where: { $0.count >= folds }) else {
            throw ProbeError(
                .outOfRange,
                "\(labels.count) rows have fewer than \(folds) of each class, one for each fold",
                advice: "give more examples")
        }
        var random = NumpyRandomState(seed: seed)
        var foldOfRow = [Int](repeating: 0, count: labels.count)
        var dealt = 0
        for rows in classes {
            // The fold of each entry of the sorted list is its index modulo the folds.
            let positions = (dealt..<dealt + rows.count).map { $0 % folds }.sorted()
            for (row, fold) in zip(rows, random.permutation(of: positions)) {
                foldOfRow[row] = fold
            }
            dealt += rows.count
        }
        return (0..<folds).map { fold in
            Fold(
                training: labels.indices.filter { foldOfRow[$0] != fold },
                heldOut: labels.indices.filter { foldOfRow[$0] == fold })
        }
    }

    /// The area under the curve on the rows held out for each of ``searchedStrengths``.
    func areas(
        _ features: [Float], columns: Int, labels: [Bool], _ settings: LogisticSettings
    ) throws(ProbeError) -> [Double] {
        let rows = { (rows: [Int]) in
            rows.flatMap { features[$0 * columns..<($0 + 1) * columns] }
        }
        let known = training.map { labels[$0] }
        var areas = [Double](repeating: 0.5, count: searchedStrengths.count)
        guard Set(known).count == 2 else { return areas }
        let problem = try LogisticProblem(rows(training), columns: columns, labels: known)
        let (unseen, truth) = (rows(heldOut), heldOut.map { labels[$0] })
        var probe: LogisticProbe?
        for index in areas.indices.reversed() {
            var settings = settings
            settings.inverseStrength = searchedStrengths[index]
            let next = try problem.optimum(settings, from: probe)
            areas[index] = try areaUnderCurve(of: next.decisions(unseen), labels: truth)
            probe = next
        }
        return areas
    }
}

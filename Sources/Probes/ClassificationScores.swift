/// How well a probe tells the classes apart.
public struct ClassificationScores: Sendable, Codable, Equatable {
    /// The share of examples on the right side of 0.
    public var accuracy: Double
    /// The area under the receiver operating characteristic.
    public var auc: Double
    /// The mean F1 of both classes, weighted by their sizes.
    public var f1: Double

    /// Scores that were computed elsewhere, each in 0…1.
    public init(accuracy: Double, auc: Double, f1: Double) {
        (self.accuracy, self.auc, self.f1) = (accuracy, auc, f1)
    }

    /// Judges log-odds.
    ///
    /// - Throws: ``ProbeError`` when all labels are equal, since no area is defined then.
    public init(decisions: [Double], labels: [Bool]) throws(ProbeError) {
        let said = decisions.map { $0 > 0 }
        self.init(
            accuracy: Probes.accuracy(of: said, labels: labels),
            auc: try areaUnderCurve(of: decisions, labels: labels),
            f1: weightedF1(of: said, labels: labels))
    }
}

/// The share of predictions that are right.
public func accuracy(of predictions: [Bool], labels: [Bool]) -> Double {
    precondition(predictions.count == labels.count && !labels.isEmpty)
    return Double(zip(predictions, labels).count { $0 == $1 }) / Double(labels.count)
}

/// The probability that a positive example scores above a negative one, ties counting half.
///
/// - Throws: ``ProbeError`` when all labels are equal.
/// - Source: equals `roc_auc_score` of scikit-learn.
public func areaUnderCurve(of scores: [Double], labels: [Bool]) throws(ProbeError) -> Double {
    precondition(scores.count == labels.count)
    let positives = labels.count { $0 }
    let negatives = labels.count - positives
    guard positives > 0, negatives > 0 else {
        throw ProbeError(
            .oneClass, "All \(labels.count) examples to judge by have one label",
            advice: "give examples of both classes")
    }
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    // Twice the number of pairs in the right order, in integers.
    var (pairs, below, start) = (0, 0, 0)
    while start < order.count {
        var end = start
        var (equalPositives, equalNegatives) = (0, 0)
        while end < order.count, scores[order[end]] == scores[order[start]] {
            if labels[order[end]] { equalPositives += 1 } else { equalNegatives += 1 }
            end += 1
        }
        pairs += equalPositives * (2 * below + equalNegatives)
        below += equalNegatives
        start = end
    }
    return Double(pairs) / Double(2 * positives * negatives)
}

/// The mean F1 of both classes, weighted by how often each is a label; 0 for a class that is neither
/// predicted nor a label.
///
/// - Source: equals `f1_score(average="weighted", zero_division=0)` of scikit-learn.
public func weightedF1(of predictions: [Bool], labels: [Bool]) -> Double {
    precondition(predictions.count == labels.count && !labels.isEmpty)
    let total = [false, true].reduce(0.0) { total, label in
        let both = zip(predictions, labels).count { $0 == label && $1 == label }
        let predicted = predictions.count { $0 == label }
        let present = labels.count { $0 == label }
        guard predicted + present > 0 else { return total }
        return total + Double(present) * 2 * Double(both) / Double(predicted + present)
    }
    return total / Double(labels.count)
}

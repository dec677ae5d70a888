/// How far the mean of the positives is from that of the negatives, for each feature.
///
/// `score[f] = |mean over positives of x[f] - mean over negatives of x[f]|`
///
/// - Shapes: the result is `[features]`.
/// - Source: Karvonen et al. 2025, §4; sums in `Double`.
/// - Cost: reads every stored value of the task's rows once.
public func meanDifferences(_ rows: FeatureRows, _ task: ProbeTask) -> [Float] {
    signedMeanDifferences(rows, task).map { Float(abs($0)) }
}

/// The mean of the positives minus that of the negatives, for each feature; 0 where a label has no
/// row.
///
/// - Shapes: the result is `[features]`.
public func signedMeanDifferences(_ rows: FeatureRows, _ task: ProbeTask) -> [Double] {
    let positives = task.labels.count { $0 }
    let scales = (
        1 / Double(max(1, positives)), 1 / Double(max(1, task.labels.count - positives))
    )
    // Two sums and not one of signed shares, so that features that occur alike in both differ by
    // exactly 0.
    var sums = [Double](repeating: 0, count: rows.columns)
    var negativeSums = sums
    sums.withUnsafeMutableBufferPointer { sums in
        negativeSums.withUnsafeMutableBufferPointer { negativeSums in
            rows.withRows { view in
                for (row, label) in zip(task.rows, task.labels) {
                    view.addRow(row, to: label ? sums : negativeSums)
                }
            }
            for f in sums.indices { sums[f] = sums[f] * scales.0 - negativeSums[f] * scales.1 }
        }
    }
    return sums
}

/// The features with the highest scores, ascending; see ``rankedFeatures(_:count:)``.
public func topFeatures(_ scores: [Float], count: Int) -> [Int] {
    rankedFeatures(scores, count: count).sorted()
}

/// The features with the highest scores, highest first; of equal scores the lower features, and what
/// is not a number last.
///
/// - Parameter count: How many; all if there are fewer.
/// - Cost: one sort of `[features]` words.
public func rankedFeatures(_ scores: [Float], count: Int) -> [Int] {
    // The complement of an order-preserving image of the score above the feature: the smallest
    // words are the highest scores.
    var words = scores.enumerated().map { feature, score -> UInt64 in
        guard !score.isNaN else { return UInt64(UInt32.max) << 32 | UInt64(feature) }
        let bits = (score == 0 ? 0 : score).bitPattern
        let ascending = bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
        return UInt64(~ascending) << 32 | UInt64(feature)
    }
    words.sort()
    return words.prefix(count).map { Int($0 & 0xFFFF_FFFF) }
}

/// Some features of a task's rows, in the order of the task.
///
/// - Parameter features: Ascending.
/// - Shapes: the result is `[rows of the task, features]`.
public func columns(_ features: [Int], of rows: FeatureRows, _ task: ProbeTask) -> [Float] {
    var result = [Float](repeating: 0, count: task.rows.count * features.count)
    guard !features.isEmpty else { return [] }
    result.withUnsafeMutableBufferPointer { result in
        rows.withRows { view in
            for (index, row) in task.rows.enumerated() {
                let start = index * features.count
                for (column, feature) in features.enumerated() {
                    result[start + column] = view.value(row, feature)
                }
            }
        }
    }
    return result
}

/// The logits of a probe for the rows of a task, in the order of the task.
///
/// - Shapes: the result is `[rows of the task]`.
public func logits(of probe: LinearProbe, on rows: FeatureRows, _ task: ProbeTask) -> [Float] {
    precondition(probe.weights.count == rows.columns, "a probe for other features")
    return probe.weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return [] }
        return rows.withRows { view in task.rows.map { view.dot($0, weights) + probe.bias } }
    }
}

/// The share of a task's rows that a probe tells right, a mean in `float32` as torch takes it.
public func accuracy(of probe: LinearProbe, on rows: FeatureRows, _ task: ProbeTask) -> Double {
    accuracy(ofLogits: logits(of: probe, on: rows, task), labels: task.labels)
}

/// The share of logits on the right side of 0, a mean in `float32`; 0 counts as negative.
///
/// - Shapes: both `[examples]`, at least one example.
public func accuracy(ofLogits logits: [Float], labels: [Bool]) -> Double {
    precondition(!labels.isEmpty && logits.count == labels.count)
    let right = zip(logits, labels).count { ($0 > 0) == $1 }
    return Double(Float(right) / Float(labels.count))
}

import Kernels

/// The rows of features through pointers, for loops that visit every value.
struct FeatureRowsView {
    let columns: Int
    let isDense: Bool
    let starts: UnsafePointer<Int>
    let indices: UnsafePointer<Int32>
    let values: UnsafePointer<Float>
    private let loops = ProbeLoops()

    /// `Σ row · weights`.
    ///
    /// - Shapes: `weights` is `[columns]`.
    func dot(_ row: Int, _ weights: UnsafePointer<Float>) -> Float {
        let (start, count) = (starts[row], starts[row + 1] - starts[row])
        return isDense
            ? loops.dot(values + start, weights, count: count)
            : loops.dot(indices + start, values + start, count: count, weights)
    }

    /// `target += factor · row`.
    ///
    /// - Shapes: `target` is `[columns]`.
    func add(_ factor: Float, _ row: Int, to target: UnsafeMutablePointer<Float>) {
        let (start, count) = (starts[row], starts[row + 1] - starts[row])
        if isDense {
            loops.add(factor, values + start, count: count, to: target)
        } else {
            loops.add(factor, indices + start, values + start, count: count, to: target)
        }
    }

    /// `target += row`, in double.
    ///
    /// - Shapes: `target` is `[columns]`.
    func addRow(_ row: Int, to target: UnsafeMutableBufferPointer<Double>) {
        let (start, end) = (starts[row], starts[row + 1])
        if isDense {
            for i in start..<end { target[i - start] += Double(values[i]) }
        } else {
            for i in start..<end { target[Int(indices[i])] += Double(values[i]) }
        }
    }

    /// One value.
    func value(_ row: Int, _ feature: Int) -> Float {
        if isDense { return values[starts[row] + feature] }
        // The first entry that is not below the feature.
        var (low, high) = (starts[row], starts[row + 1])
        while low < high {
            let middle = (low + high) / 2
            if Int(indices[middle]) < feature { low = middle + 1 } else { high = middle }
        }
        let isStored = low < starts[row + 1] && Int(indices[low]) == feature
        return isStored ? values[low] : 0
    }
}

extension FeatureRows {
    /// Lends the rows through pointers.
    func withRows<Value>(_ body: (FeatureRowsView) throws -> Value) rethrows -> Value {
        // Empty arrays have no address; their pointers are never followed.
        let none = [Int32](repeating: 0, count: 1)
        let nothing = [Float](repeating: 0, count: 1)
        return try starts.withUnsafeBufferPointer { starts in
            try (indices.isEmpty ? none : indices).withUnsafeBufferPointer { indices in
                try (values.isEmpty ? nothing : values).withUnsafeBufferPointer { values in
                    guard let starts = starts.baseAddress, let indices = indices.baseAddress,
                        let values = values.baseAddress
                    else { preconditionFailure("rows of features without storage") }
                    return try body(
                        FeatureRowsView(
                            columns: columns, isDense: isDense, starts: starts, indices: indices,
                            values: values))
                }
            }
        }
    }

    /// Checks that rows of a task exist.
    ///
    /// - Throws: ``ProbeError`` with the row and the number of rows.
    func check(_ task: ProbeTask) throws(ProbeError) {
        if let row = task.rows.first(where: { $0 < 0 || $0 >= count }) {
            throw ProbeError(.outOfRange, "A task names row \(row) of \(count) rows of features")
        }
    }
}

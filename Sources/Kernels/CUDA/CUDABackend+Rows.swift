import Tensors

extension CUDABackend {
    /// The logarithms of sums of exponentials, in one pass.
    public func logSumExp(_ logits: Tensor) throws -> [Double] {
        try Checks.floats(logits, "logits")
        guard logits.rows > 0 else { return [] }
        let sums = try device.block(8 * logits.rows)
        try device.launch(
            "log_sum_exp", .rows(logits.rows), block: 512,
            [
                .memory(try operand(logits)), .memory(DeviceOperand(sums)), .long(logits.rows),
                .int(logits.columns),
            ])
        return try device.download(sums, count: logits.rows)
    }

    /// Kullback–Leibler divergence of each row, in one pass.
    public func divergence(
        clean: Tensor, cleanLogSumExp: [Double], changed: Tensor, changedLogSumExp: [Double]
    ) throws -> [Double] {
        try Checks.divergence(clean, cleanLogSumExp, changed, changedLogSumExp)
        guard clean.rows > 0 else { return [] }
        let result = try device.block(8 * clean.rows)
        try device.launch(
            "divergence", .rows(clean.rows), block: 512,
            [
                .memory(try operand(clean)),
                .memory(DeviceOperand(try device.upload(cleanLogSumExp))),
                .memory(try operand(changed)),
                .memory(DeviceOperand(try device.upload(changedLogSumExp))),
                .memory(DeviceOperand(result)), .long(clean.rows), .int(clean.columns),
                .long(changed.rows),
            ])
        return try device.download(result, count: clean.rows)
    }

    /// One element of each row.
    public func elements(of x: Tensor, at columns: [Int32]) throws -> [Float] {
        try Checks.elements(x, columns)
        guard x.rows > 0 else { return [] }
        let result = try device.block(4 * x.rows)
        try device.launch(
            "gather_columns", .items(x.rows, each: 256),
            [
                .memory(try operand(x)), .memory(DeviceOperand(try device.upload(columns))),
                .memory(DeviceOperand(result)), .long(x.rows), .int(x.columns),
            ])
        return try device.download(result, count: x.rows)
    }

    /// Sums over pairs of rows in `Double`.
    public func rowStatistics(_ x: Tensor, _ reconstruction: Tensor) throws -> [RowStatistics] {
        try Checks.same(x, reconstruction, "activations and reconstruction")
        guard x.rows > 0 else { return [] }
        let result = try device.block(32 * x.rows)
        try device.launch(
            "row_statistics", .rows(x.rows),
            [
                .memory(try operand(x)), .memory(try operand(reconstruction)),
                .memory(DeviceOperand(result)), .long(x.rows), .int(x.columns),
            ])
        let sums: [Double] = try device.download(result, count: 4 * x.rows)
        return (0..<x.rows).map {
            RowStatistics(
                inputSquared: sums[4 * $0], outputSquared: sums[4 * $0 + 1],
                dot: sums[4 * $0 + 2], errorSquared: sums[4 * $0 + 3])
        }
    }

    /// Norms of the rows of a matrix.
    public func norms(of matrix: MatrixView) throws -> [Float] {
        try Checks.view(matrix, "matrix")
        return try dots(matrix, matrix, isNorm: true)
    }

    /// Dot products of equal rows.
    public func rowDots(_ first: MatrixView, _ second: MatrixView) throws -> [Float] {
        try Checks.view(first, "first matrix")
        try Checks.view(second, "second matrix")
        try Checks.length(second.rows, first.rows, "rows of the second matrix")
        try Checks.length(second.columns, first.columns, "rows' width of the second matrix")
        return try dots(first, second, isNorm: false)
    }

    private func dots(_ first: MatrixView, _ second: MatrixView, isNorm: Bool) throws -> [Float] {
        guard first.rows > 0 else { return [] }
        let result = try device.block(4 * first.rows)
        func arguments(_ view: MatrixView) throws -> [KernelArgument] {
            [
                .memory(try operand(view.tensor)), .int(view.tensor.type.kernelNumber),
                .int(view.isTransposed ? 1 : 0),
            ]
        }
        try device.launch(
            "row_dots", .rows(first.rows),
            try arguments(first) + arguments(second) + [
                .memory(DeviceOperand(result)), .long(first.rows), .int(first.columns),
                .int(isNorm ? 1 : 0),
            ])
        return try device.download(result, count: first.rows)
    }

    /// Bytes of the products that one step of ``maximumCosines(of:in:norms:)`` holds.
    private static var cosineBytes: Int { 1 << 28 }

    /// Products of some rows with all, then the largest of each.
    public func maximumCosines(of range: Range<Int>, in matrix: MatrixView, norms: [Float]) throws
        -> [Float]
    {
        try Checks.maximumCosines(range, matrix, norms)
        let (count, width, type) = (matrix.rows, matrix.columns, matrix.tensor.type)
        guard !range.isEmpty else { return [] }
        let stored = try operand(matrix.tensor)
        let all = ProductFactor(
            operand: stored, stride: matrix.isTransposed ? count : width,
            isTransposed: matrix.isTransposed)
        let lengths = DeviceOperand(try device.upload(norms))
        let result = try device.block(4 * range.count)
        let step = max(1, min(range.count, Self.cosineBytes / (4 * count)))
        let products = try device.zeros(4 * step * count)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: step) {
            let rows = min(step, range.upperBound - start)
            var some = all
            some.operand.offset += start * type.byteCount * (matrix.isTransposed ? 1 : width)
            if width > 0 {
                try device.product(
                    some, all, type: type, rows: rows, inner: width, columns: count, beta: 0,
                    to: DeviceOperand(products))
            }
            try device.launch(
                "row_maximum_cosine", .rows(rows),
                [
                    .memory(DeviceOperand(products)), .memory(lengths), .int(start), .int(rows),
                    .int(count),
                    .memory(DeviceOperand(result, offset: 4 * (start - range.lowerBound))),
                ])
        }
        return try device.download(result, count: range.count)
    }
}

extension ElementType {
    /// The number that kernels know a weight type by.
    fileprivate var kernelNumber: Int {
        switch self {
        case .bfloat16: 1
        case .float16: 2
        default: 0
        }
    }
}

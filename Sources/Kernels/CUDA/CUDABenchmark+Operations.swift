import Tensors

extension GPUBenchmark {
    /// A product to measure.
    struct Product {
        /// `[rows, inner] · [inner, columns]`
        var (rows, inner, columns): (Int, Int, Int)
        /// The type of both factors.
        var type: ElementType
        /// Whether the right factor is stored as `[columns, inner]`, as models have it; else as
        /// `[inner, columns]`, as autoencoders have it.
        var isModelled = true

        /// Sizes and type.
        var description: String { "\(rows) × \(inner) × \(columns) \(type.rawValue)" }
        /// Multiplications and additions.
        var operations: Double { 2 * Double(rows) * Double(inner) * Double(columns) }
    }

    /// Bounds first, then all operations that need no model.
    package mutating func measureOperations() {
        part(Self.bounds) { try $0.measureBounds() }
        part("products") { try $0.measureModelProducts() }
        let encoders = isQuick ? [512] : [16_384, 65_536]
        for latents in encoders {
            for type in [ElementType.bfloat16, .float32] {
                part("autoencoders, \(latents) latents, \(type.rawValue)") {
                    try $0.measureAutoencoder(
                        rows: $0.isQuick ? 32 : 2048, model: $0.isQuick ? 64 : 2304,
                        latents: latents, type: type)
                }
            }
        }
        let attentions =
            isQuick ? [(2, 8), (1, 40)] : [(16, 128), (4, 1024), (1, 4096)]
        for (batch, positions) in attentions {
            part("attention, \(batch) × \(positions)") {
                try $0.measureAttention(batch: batch, positions: positions)
            }
        }
        part("distributions") { try $0.measureDistributions() }
        part("elements") { try $0.measureElements(rows: $0.isQuick ? 16 : 2048) }
        part("elements, many rows") { try $0.measureElements(rows: $0.isQuick ? 32 : 16_384) }
    }
}

// MARK: - Bounds and products

extension GPUBenchmark {
    /// Products of large matrices, copies and empty launches.
    private mutating func measureBounds() throws {
        let side = isQuick ? 128 : 8192
        for type in [ElementType.bfloat16, .float16, .float32] {
            let product = Product(rows: side, inner: side, columns: side, type: type)
            let seconds = try measure(product)
            productRates[type] = product.operations / seconds
        }
        try measureCopies()
        let one = try numbers([1])
        let timing = try timing { for _ in 0..<100 { try backend.add(one, one) } }
        add(
            GPUMeasurement(
                operation: "100 launches", shape: "one element each", timing: timing, work: 100,
                unit: .launches))
        try measureBus()
    }

    /// A plain product of cuBLAS with sums and result in `float32`.
    ///
    /// - Returns: seconds of the fastest repetition.
    @discardableResult
    mutating func measure(_ product: Product) throws -> Double {
        let left = try numbers([product.rows, product.inner], product.type, seed: 2)
        let right = try numbers(
            product.isModelled
                ? [product.columns, product.inner] : [product.inner, product.columns],
            product.type)
        let device = backend.device
        let target = DeviceOperand(try device.block(4 * product.rows * product.columns))
        let factors = (try backend.operand(left), try backend.operand(right))
        let timing = try timing {
            try device.product(
                ProductFactor(operand: factors.0, stride: product.inner, isTransposed: false),
                ProductFactor(
                    operand: factors.1,
                    stride: product.isModelled ? product.inner : product.columns,
                    isTransposed: !product.isModelled),
                type: product.type, rows: product.rows, inner: product.inner,
                columns: product.columns, beta: 0, to: target)
        }
        let largest = productRates[product.type]
        add(
            GPUMeasurement(
                operation: "product", shape: product.description, timing: timing,
                work: product.operations, unit: .operations,
                bound: largest.map { _ in "the largest product" },
                share: largest.map { product.operations / timing.fastest / $0 }))
        return timing.fastest
    }

    /// The products of a Gemma-2-2B-shaped model at 16 × 128 tokens.
    private mutating func measureModelProducts() throws {
        let shapes =
            isQuick
            ? [(64, 128), (128, 64)]
            : [(2304, 2048), (2304, 1024), (2048, 2304), (2304, 9216), (9216, 2304)]
        for (inner, columns) in shapes {
            try measure(
                Product(
                    rows: isQuick ? 32 : 2048, inner: inner, columns: columns, type: .bfloat16))
        }
        guard !isQuick else { return }
        try measure(Product(rows: 1024, inner: 2304, columns: 256_000, type: .bfloat16))
    }

    /// A copy inside the device's memory, and our own addition.
    private mutating func measureCopies() throws {
        let count = isQuick ? 1 << 16 : 1 << 28
        let (x, y) = (try numbers([count]), try numbers([count], seed: 2))
        let (source, target) = (try backend.operand(x), try backend.operand(y))
        let bytes = Double(2 * x.byteCount)
        let copy = try timing {
            try backend.device.copy(source, to: target, byteCount: x.byteCount)
        }
        bandwidth = bytes / copy.fastest
        add(
            GPUMeasurement(
                operation: "copy", shape: "\(x.byteCount >> 10) KiB", timing: copy, work: bytes,
                unit: .bytes, note: "bytes read and bytes written"))
        let sum = try timing { try backend.add(x, y) }
        add(memoryBound("add", "\(count)", sum, bytes: 3 * Double(x.byteCount)))
        bandwidth = max(bandwidth, 3 * Double(x.byteCount) / sum.fastest)
    }

    /// Copies between host and device, by the host's clock.
    private mutating func measureBus() throws {
        let byteCount = isQuick ? 1 << 16 : 1 << 28
        let host = Tensor(zeros: [byteCount / 4])
        let device = backend.device
        var block = try device.block(byteCount)
        let up = try wallTiming(repetitions: 5) {
            block = try device.upload(host.constantBytes, byteCount: byteCount)
        }
        let down = try wallTiming(repetitions: 5) {
            try device.download(block, to: host.bytes, byteCount: byteCount)
        }
        for (name, timing) in [("host to device", up), ("device to host", down)] {
            add(
                GPUMeasurement(
                    operation: name, shape: "\(byteCount >> 10) KiB", timing: timing,
                    work: Double(byteCount), unit: .bytes, note: "by the host's clock"))
        }
    }

    /// A line whose bound is the memory's rate.
    func memoryBound(
        _ operation: String, _ shape: String, _ timing: GPUTiming, bytes: Double,
        goal: Double? = nil, note: String? = nil, parts: [DeviceWork] = []
    ) -> GPUMeasurement {
        GPUMeasurement(
            operation: operation, shape: shape, timing: timing, work: bytes, unit: .bytes,
            bound: "bandwidth", share: bytes / timing.fastest / bandwidth, goal: goal, note: note,
            parts: parts)
    }
}

// MARK: - Attention, distributions, elements

extension GPUBenchmark {
    /// Causal attention as Gemma 2 has it; only the visible half of the products is counted.
    private mutating func measureAttention(batch: Int, positions: Int) throws {
        let (heads, keyHeads, headSize) = isQuick ? (4, 2, 32) : (8, 4, 256)
        let rows = batch * positions
        let shape = AttentionShape(
            batch: batch, positions: positions, heads: heads, keyHeads: keyHeads,
            headSize: headSize, scale: 1 / Float(headSize).squareRoot(), softCap: 50, window: 4096)
        let queries = try numbers([rows, heads * headSize])
        let keys = try numbers([rows, keyHeads * headSize], seed: 2)
        let values = try numbers([rows, keyHeads * headSize], seed: 3)
        let timing = try timing {
            _ = try backend.attention(queries: queries, keys: keys, values: values, shape)
        }
        let operations = 2 * Double(batch * heads * headSize) * Double(positions * (positions + 1))
        let rate = operations / timing.fastest
        add(
            GPUMeasurement(
                operation: "attention", shape: "\(batch) × \(positions) × \(heads) × \(headSize)",
                timing: timing, work: operations, unit: .operations, bound: "float32 product",
                share: productRates[.float32].map { rate / $0 },
                note: "\(keyHeads) key heads, soft cap, float32"))
    }

    /// The reductions over the vocabulary, without the copy of their few numbers to the host.
    private mutating func measureDistributions() throws {
        let (rows, vocabulary) = isQuick ? (8, 1009) : (1024, 256_000)
        let (clean, changed) = (
            try numbers([rows, vocabulary], scale: 8),
            try numbers([rows, vocabulary], seed: 2, scale: 8)
        )
        let shape = "\(rows) × \(vocabulary)"
        let (timing, parts) = try workTiming { _ = try backend.logSumExp(clean) }
        add(
            memoryBound(
                "log-sum-exp", shape, timing, bytes: Double(clean.byteCount), parts: parts))
        let sums = (try backend.logSumExp(clean), try backend.logSumExp(changed))
        let (both, bothParts) = try workTiming {
            _ = try backend.divergence(
                clean: clean, cleanLogSumExp: sums.0, changed: changed, changedLogSumExp: sums.1)
        }
        add(
            memoryBound(
                "divergence", shape, both, bytes: 2 * Double(clean.byteCount), parts: bothParts))
        let capped = try self.timing { try backend.softCap(clean, cap: 30) }
        add(memoryBound("soft cap", shape, capped, bytes: 2 * Double(clean.byteCount)))
    }

    /// Norms, gates, rotation and addition at the widths of a Gemma-2-2B-shaped model.
    private mutating func measureElements(rows: Int) throws {
        let (model, inner, heads, headSize) = isQuick ? (64, 128, 4, 16) : (2304, 9216, 8, 256)
        let (x, y) = (try numbers([rows, model]), try numbers([rows, model], seed: 2))
        let (weight, bias) = (try numbers([model]), try numbers([model], seed: 2))
        let bytes = Double(x.byteCount)
        let cache = backend.device.secondLevelCacheBytes
        func note(_ bytes: Double) -> String? {
            bytes < Double(cache) ? "fits into the L2 cache of \(cache >> 20) MiB" : nil
        }
        let shape = "\(rows) × \(model)"
        let rms = try timing {
            _ = try backend.rmsNorm(x, weight: weight, offset: 1, epsilon: 1e-6)
        }
        add(memoryBound("rms norm", shape, rms, bytes: 2 * bytes, note: note(2 * bytes)))
        let layer = try timing {
            _ = try backend.layerNorm(x, weight: weight, bias: bias, epsilon: 1e-6)
        }
        add(memoryBound("layer norm", shape, layer, bytes: 2 * bytes, note: note(2 * bytes)))
        let sum = try timing { try backend.add(x, y) }
        add(memoryBound("add", shape, sum, bytes: 3 * bytes, note: note(2 * bytes)))

        let positions = isQuick ? 8 : 128
        let half = headSize / 2
        let table = RotaryTable(
            rotarySize: headSize, headSize: headSize, cosines: try numbers([positions, half]),
            sines: try numbers([positions, half], seed: 2))
        let queries = try numbers([rows, heads * headSize])
        let rotated = try timing {
            try backend.rotate(queries, heads: heads, positions: positions, table: table)
        }
        let queryBytes = Double(queries.byteCount)
        add(
            memoryBound(
                "rotate", "\(rows) × \(heads) × \(headSize)", rotated, bytes: 2 * queryBytes,
                note: note(queryBytes)))

        let (gate, up) = (try numbers([rows, inner]), try numbers([rows, inner], seed: 2))
        let gated = try timing { try backend.gate(gate, up: up, .geluTanh) }
        let gateBytes = Double(gate.byteCount)
        add(
            memoryBound(
                "gate", "\(rows) × \(inner)", gated, bytes: 3 * gateBytes,
                note: note(2 * gateBytes)))
    }
}

import Tensors

extension CUDABackend {
    /// Bytes of the pre-activations that one step holds.
    static var productBytes: Int { 1 << 30 }
    /// Share of all latents that a strip has room for at first.
    private static var firstShare: Int { 32 }

    /// Products by cuBLAS, then one pass over them that keeps the non-zeros.
    ///
    /// Where a strip of a row has more of them than it has room, the pass is done again with room
    /// for all.
    public func encode(_ x: Tensor, _ encoder: EncoderWeights) throws -> SparseCodes {
        try Checks.encode(x, encoder)
        let (latents, width) = (encoder.latents, encoder.modelSize)
        guard x.rows > 0, latents > 0 else {
            return SparseCodes(
                latents: latents, rowStarts: [Int](repeating: 0, count: x.rows + 1))
        }
        let step = max(1, min(x.rows, Self.productBytes / (4 * latents)))
        let products = DeviceOperand(try device.block(4 * step * latents))
        let pass = try SelectionPass(encoder, products: products, on: self)
        var parts: [SparseCodes] = []
        for start in stride(from: 0, to: x.rows, by: step) {
            let some = x.rows(start..<min(start + step, x.rows))
            if width == 0 {
                try device.fill(products, with: 0, byteCount: 4 * some.rows * latents)
            } else {
                try device.product(
                    ProductFactor(
                        operand: try factor(
                            some,
                            minus: try encoder.inputBias.map { try list($0, of: encoder.matrix) },
                            as: encoder.matrix.type),
                        stride: width, isTransposed: false),
                    ProductFactor(
                        operand: try operand(encoder.matrix),
                        stride: encoder.isTransposed ? width : latents,
                        isTransposed: !encoder.isTransposed),
                    type: encoder.matrix.type, rows: some.rows, inner: width, columns: latents,
                    beta: 0, to: products)
            }
            parts.append(try pass.codes(rows: some.rows, first: start))
        }
        return SparseCodes(joining: parts, latents: latents)
    }

    /// The pass over products that finds the non-zeros.
    private struct SelectionPass {
        let backend: CUDABackend
        let latents: Int
        let products: DeviceOperand
        /// The kernels' number of the activation function.
        let kind: Int
        let bias: KernelArgument
        let second: KernelArgument
        let third: KernelArgument
        let latentScale: KernelArgument
        /// How many of the largest stay; nil where all that are above 0 stay.
        let k: Int?

        private var device: CUDADevice { backend.device }

        init(_ encoder: EncoderWeights, products: DeviceOperand, on backend: CUDABackend) throws {
            (self.backend, self.products, latents) = (backend, products, encoder.latents)
            let owner = encoder.matrix
            func list(_ values: [Float]?) throws -> KernelArgument {
                try backend.list(values, of: owner)
            }
            bias = try list(encoder.activation.bias)
            latentScale = try list(encoder.latentScale)
            switch encoder.activation {
            case .relu: (kind, second, third, k) = (0, .none, .none, nil)
            case .topK(_, let k, let rankScale):
                (kind, second, third, self.k) = (1, try list(rankScale), .none, k)
            case .jumpReLU(_, let threshold):
                (kind, second, third, k) = (2, try list(threshold), .none, nil)
            case .gated(_, let magnitudeScale, let magnitudeBias):
                (kind, second, third, k) = (
                    3, try list(magnitudeScale), try list(magnitudeBias), nil
                )
            }
        }

        /// Keeps what is not zero, of a matrix that is no encoder's.
        init(plain products: DeviceOperand, latents: Int, on backend: CUDABackend) {
            (self.backend, self.products, self.latents) = (backend, products, latents)
            (kind, k) = (4, nil)
            (bias, second, third, latentScale) = (.none, .none, .none, .none)
        }

        /// The codes of the rows whose products are there.
        ///
        /// - Parameter first: the number of the first row, for errors.
        func codes(rows: Int, first: Int) throws -> SparseCodes {
            var floors = KernelArgument.none
            if let k {
                let block = try device.block(4 * rows)
                floors = .memory(DeviceOperand(block))
                try device.launch(
                    "top_k_floors", .rows(rows),
                    [
                        .memory(products), bias, second, floors, .int(rows), .int(latents),
                        .int(k),
                    ])
            }
            let strip = (latents + CodeSlots.strips - 1) / CodeSlots.strips
            var capacity = max(32, strip / CUDABackend.firstShare)
            while true {
                let slots = try CodeSlots(rows: rows, capacity: capacity, on: device)
                try select(into: slots, floors: floors)
                try count(slots)
                let summary = try slots.summary()
                guard summary.notFinite == .max else {
                    let index = Int(summary.notFinite)
                    throw Checks.notFinite(row: first + index / latents, latent: index % latents)
                }
                guard summary.most > capacity else {
                    return try collect(slots, starts: summary.starts)
                }
                capacity = summary.most
            }
        }

        /// Queues the pass that fills the slots.
        private func select(into slots: CodeSlots, floors: KernelArgument) throws {
            try device.launch(
                "select_latents", .rows(slots.rows),
                [
                    .memory(products), bias, second, third, floors, .int(kind), .int(slots.rows),
                    .int(latents), .int(slots.capacity), .memory(slots.indices),
                    .memory(slots.values), .memory(slots.counts), .memory(slots.notFinite),
                ])
        }

        /// Queues the choice of the largest and the counts of what stays.
        private func count(_ slots: CodeSlots) throws {
            let rows = slots.rows
            if let k {
                try device.launch(
                    "keep_largest", .rows(rows),
                    [
                        .memory(slots.indices), .memory(slots.values), .memory(slots.counts),
                        .int(rows), .int(slots.capacity), .int(k),
                    ])
            }
            let rowCounts = DeviceOperand(try device.block(8 * rows))
            try device.launch(
                "count_codes", .rows(rows),
                [
                    .memory(slots.values), .memory(slots.indices), .memory(slots.counts),
                    latentScale, .int(rows), .int(slots.capacity), .memory(slots.kept),
                    .memory(rowCounts),
                ])
            try device.launch(
                "scan_counts", .exactly(1, 1, 1), block: 1024,
                [.memory(rowCounts), .memory(slots.starts), .int(rows)])
        }

        /// The entries of all slots, row after row.
        private func collect(_ slots: CodeSlots, starts: [Int]) throws -> SparseCodes {
            let (rows, total) = (slots.rows, starts[slots.rows])
            // Indices, then values: one copy to the host takes both.
            let entries = try device.block(8 * total)
            let values = DeviceOperand(entries, offset: 4 * total)
            if total > 0 {
                try device.launch(
                    "compact_codes", .rows(rows),
                    [
                        .memory(slots.indices), .memory(slots.values), .memory(slots.counts),
                        .memory(slots.kept), latentScale, .memory(slots.starts), .int(rows),
                        .int(slots.capacity), .memory(DeviceOperand(entries)), .memory(values),
                    ])
            }
            let bits: [UInt32] = try device.download(entries, count: 2 * total)
            var codes = SparseCodes(
                latents: latents, rowStarts: starts,
                indices: bits[..<total].map { Int32(bitPattern: $0) },
                values: bits[total...].map { Float(bitPattern: $0) })
            codes.onDevice = DeviceCodes(
                starts: slots.starts, indices: DeviceOperand(entries), values: values)
            return codes
        }
    }

    /// How often each latent fires, counted by atomic additions of integers.
    public func firings(of codes: SparseCodes, kept: [Bool], positions: Int) throws -> Firings {
        try Checks.firings(codes, kept, positions)
        let zeros = [Int32](repeating: 0, count: codes.latents)
        guard codes.rows > 0, codes.latents > 0 else {
            return Firings(tokens: zeros, sequences: zeros)
        }
        let resident = try deviceCodes(codes)
        let sequences = (codes.rows + positions - 1) / positions
        let marks = try device.zeros(4 * sequences * ((codes.latents + 31) / 32))
        let counts = try (0..<2).map { _ in try device.zeros(4 * codes.latents) }
        try device.launch(
            "count_firings", .rows(codes.rows),
            [
                .memory(resident.starts), .memory(resident.indices),
                .memory(resident.values),
                .memory(DeviceOperand(try device.upload(kept.map { $0 ? UInt8(1) : 0 }))),
                .int(codes.rows), .int(positions), .int(codes.latents),
                .memory(DeviceOperand(marks)), .memory(DeviceOperand(counts[0])),
                .memory(DeviceOperand(counts[1])),
            ])
        return Firings(
            tokens: try device.download(counts[0], count: codes.latents),
            sequences: try device.download(counts[1], count: codes.latents))
    }

    /// Means of the codes of texts: sums of a text's tokens one after the other, texts side by side.
    public func means(of codes: SparseCodes, over starts: [Int]) throws -> SparseCodes {
        try Checks.means(codes, starts)
        let (latents, texts) = (codes.latents, starts.count - 1)
        guard texts > 0, latents > 0 else {
            return SparseCodes(latents: latents, rowStarts: [Int](repeating: 0, count: texts + 1))
        }
        let resident = try deviceCodes(codes)
        let step = max(1, min(texts, Self.productBytes / (12 * latents)))
        let means = DeviceOperand(try device.block(4 * step * latents))
        let pass = SelectionPass(plain: means, latents: latents, on: self)
        var parts: [SparseCodes] = []
        for first in stride(from: 0, to: texts, by: step) {
            let count = min(step, texts - first)
            let sums = DeviceOperand(try device.zeros(8 * count * latents))
            let bounds = DeviceOperand(try device.upload(Array(starts[first...first + count])))
            try device.launch(
                "accumulate_codes", .exactly(count, 1, 1),
                [
                    .memory(resident.starts),
                    .memory(resident.indices),
                    .memory(resident.values), .memory(bounds), .memory(sums),
                    .int(count), .int(latents),
                ])
            try device.launch(
                "finish_means", .items(count * latents, each: 1024),
                [.memory(sums), .memory(bounds), .memory(means), .int(count), .int(latents)])
            parts.append(try pass.codes(rows: count, first: first))
        }
        return SparseCodes(joining: parts, latents: latents)
    }
}

extension SparseCodes {
    /// The rows of some codes one after the other.
    init(joining parts: [SparseCodes], latents: Int) {
        guard parts.count != 1 else {
            self = parts[0]
            return
        }
        self.init(latents: latents)
        for part in parts {
            let start = values.count
            indices += part.indices
            values += part.values
            rowStarts += part.rowStarts.dropFirst().map { $0 + start }
        }
    }
}

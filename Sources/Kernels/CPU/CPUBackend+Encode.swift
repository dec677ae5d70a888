import Basics
import CKernels
import Tensors

extension CPUBackend {
    /// Product, activation and selection for 1,024 rows and 960 latents at a time; no more
    /// pre-activations than that are ever held.
    public func encode(_ x: Tensor, _ encoder: EncoderWeights) throws -> SparseCodes {
        try Checks.encode(x, encoder)
        var codes = SparseCodes(latents: encoder.latents)
        codes.rowStarts.reserveCapacity(x.rows + 1)
        guard x.rows > 0 else { return codes }
        let vectors = ActivationVectors(encoder)
        defer { vectors.release() }
        let together = min(x.rows, Self.rowsTogether)
        let packed = Scratch(Self.packedCount(rows: together, inner: encoder.modelSize))
        let width = min(encoder.latents, Self.columnsTogether)
        let slice = Scratch(ck_product_scratch(level, width))
        let tile = Scratch(together * width)
        defer {
            packed.release()
            slice.release()
            tile.release()
        }
        for rows in Self.pieces(of: x.rows, by: Self.rowsTogether) {
            packRows(
                Self.rows(
                    x.floats + rows.lowerBound * encoder.modelSize, stride: encoder.modelSize),
                rows: rows.count, inner: encoder.modelSize, subtract: vectors.inputBias,
                into: packed.floats)
            let collector = vectors.makeCollector(rows: rows.count, latents: encoder.latents)
            defer { collector.release() }
            for latents in Self.pieces(of: encoder.latents, by: Self.columnsTogether) {
                ck_product(
                    level, packed.floats, rows.count, encoder.modelSize, vectors.matrix,
                    latents.lowerBound,
                    latents.count, tile.floats, latents.count, slice.floats)
                for row in 0..<rows.count {
                    let bad = collector.scan(
                        tile.floats + row * latents.count, latents, row: row, vectors, level: level)
                    if let bad { throw Checks.notFinite(row: rows.lowerBound + row, latent: bad) }
                }
            }
            collector.finish(vectors, into: &codes)
        }
        return codes
    }
}

/// The vectors of an encoder at fixed addresses.
struct ActivationVectors {
    /// The matrix as right factor.
    let matrix: ck_matrix
    /// Subtracted from the rows.
    let inputBias: UnsafePointer<Float>?
    /// Factors on kept values.
    let scale: UnsafePointer<Float>?
    /// k of top-k.
    let k: Int?
    private let whole: ck_activation_vectors
    private let copies: [Scratch]

    init(_ encoder: EncoderWeights) {
        var copies: [Scratch] = []
        let copy = { (values: [Float]?) -> UnsafePointer<Float>? in
            guard let values else { return nil }
            let scratch = Scratch(values.count)
            scratch.floats.update(from: values, count: values.count)
            copies.append(scratch)
            return UnsafePointer(scratch.floats)
        }
        matrix = ck_matrix(
            data: encoder.matrix.bytes, type: encoder.matrix.type.forC,
            transposed: encoder.isTransposed,
            stride: encoder.matrix.shape[1])
        inputBias = copy(encoder.inputBias)
        scale = copy(encoder.latentScale)
        var whole = ck_activation_vectors()
        var k: Int?
        switch encoder.activation {
        case .relu(let bias): (whole.kind, whole.bias) = (CK_RELU, copy(bias))
        case .topK(let bias, let limit, let rankScale):
            (whole.kind, whole.bias, whole.second) = (CK_TOP_K, copy(bias), copy(rankScale))
            k = limit
        case .jumpReLU(let bias, let threshold):
            (whole.kind, whole.bias, whole.second) = (CK_JUMP_RELU, copy(bias), copy(threshold))
        case .gated(let gateBias, let magnitudeScale, let magnitudeBias):
            (whole.kind, whole.bias) = (CK_GATED, copy(gateBias))
            (whole.second, whole.third) = (copy(magnitudeScale), copy(magnitudeBias))
        }
        if k == nil { whole.scale = scale }
        (self.whole, self.k, self.copies) = (whole, k, copies)
    }

    /// Frees the copies.
    func release() { for copy in copies { copy.release() } }

    /// The vectors moved to the first latent of a piece.
    func moved(to latent: Int, floor: Float) -> ck_activation_vectors {
        var vectors = whole
        vectors.bias = whole.bias.map { $0 + latent }
        vectors.second = whole.second.map { $0 + latent }
        vectors.third = whole.third.map { $0 + latent }
        vectors.scale = whole.scale.map { $0 + latent }
        vectors.floor = floor
        return vectors
    }

    /// What gathers the kept latents of some rows.
    func makeCollector(rows: Int, latents: Int) -> any CodeCollector {
        guard let k else { return ThresholdCollector(rows: rows) }
        return LargestCollector(rows: rows, k: min(k, latents))
    }
}

/// Gathers the kept latents of some rows, piece by piece of the latent axis.
protocol CodeCollector {
    /// Takes the products of one row with a piece of the latents.
    ///
    /// - Returns: a latent whose pre-activation is not finite, or nil.
    func scan(
        _ products: UnsafePointer<Float>, _ latents: Range<Int>, row: Int,
        _ vectors: ActivationVectors,
        level: Int32
    ) -> Int?
    /// Appends all rows to the codes.
    func finish(_ vectors: ActivationVectors, into codes: inout SparseCodes)
    /// Frees memory.
    func release()
}

/// Entries with room to grow.
struct EntryBuffer {
    private(set) var indices: UnsafeMutablePointer<Int32>
    private(set) var values: UnsafeMutablePointer<Float>
    private(set) var capacity: Int

    init(capacity: Int) {
        self.capacity = max(1, capacity)
        indices = HostMemory.take(4 * self.capacity)
            .bindMemory(to: Int32.self, capacity: self.capacity)
        values = HostMemory.take(4 * self.capacity)
            .bindMemory(to: Float.self, capacity: self.capacity)
    }

    /// Makes room, keeping the first `used` entries.
    mutating func reserve(_ needed: Int, used: Int) {
        guard needed > capacity else { return }
        let larger = EntryBuffer(capacity: max(needed, capacity * 2))
        larger.indices.update(from: indices, count: used)
        larger.values.update(from: values, count: used)
        release()
        self = larger
    }

    /// Gives the memory back.
    func release() {
        HostMemory.giveBack(indices, 4 * capacity)
        HostMemory.giveBack(values, 4 * capacity)
    }
}

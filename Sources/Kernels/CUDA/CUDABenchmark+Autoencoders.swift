import Tensors

extension GPUBenchmark {
    /// Encoding with each activation function beside the plain product, and decoding of what comes
    /// out.
    mutating func measureAutoencoder(
        rows: Int, model: Int, latents: Int, type: ElementType
    ) throws {
        let product = Product(
            rows: rows, inner: model, columns: latents, type: type, isModelled: false)
        let plain = try measure(product)
        let x = try numbers([rows, model], seed: 2)
        let matrix = try numbers([model, latents], type)
        // A product has variance model / 9; these deviations leave about 80 latents of a row.
        let deviations: Float = isQuick ? 2 : latents > 40_000 ? 3.03 : 2.58
        let threshold = deviations * (Float(model) / 9).squareRoot()
        let zeros = [Float](repeating: 0, count: latents)
        let limits = [Float](repeating: threshold, count: latents)
        let k = isQuick ? 8 : 64
        let activations: [(String, EncoderWeights.Activation)] = [
            ("jump relu", .jumpReLU(bias: zeros, threshold: limits)),
            ("top \(k)", .topK(bias: zeros, k: k, rankScale: nil)),
            ("relu", .relu(bias: limits.map { -$0 })),
        ]
        let decoder = DecoderWeights(
            matrix: try numbers([latents, model], type, seed: 3),
            bias: [Float](repeating: 0, count: model))
        for (name, activation) in activations {
            let encoder = EncoderWeights(matrix: matrix, activation: activation)
            let codes = try measureEncoding(x, encoder, name, product, plain: plain)
            guard name != "relu" else { continue }
            try measureDecoding(codes, decoder, name, product)
        }
    }

    /// One activation function: the device's work, then the whole call with the codes' way to the
    /// host.
    private mutating func measureEncoding(
        _ x: Tensor, _ encoder: EncoderWeights, _ name: String, _ product: Product, plain: Double
    ) throws -> SparseCodes {
        var codes = SparseCodes(latents: encoder.latents)
        let (timing, parts) = try workTiming { codes = try backend.encode(x, encoder) }
        let inProduct = parts.first { $0.name == DeviceWork.product }?.seconds ?? 0
        let launches = parts.reduce(0) { $0 + $1.count }
        let perRow = codes.indices.count / max(1, x.rows)
        let elsewhere = Int((1e6 * (timing.fastest - inProduct)).rounded())
        add(
            GPUMeasurement(
                operation: "encode, \(name)", shape: product.description, timing: timing,
                work: product.operations, unit: .operations, bound: "plain product",
                share: plain / timing.fastest, goal: 0.8,
                note: "\(perRow) latents a row; kernels alone: \(launches) launches, "
                    + "\(elsewhere) µs beside the product",
                parts: parts))
        let whole = try self.timing { codes = try backend.encode(x, encoder) }
        add(
            GPUMeasurement(
                operation: "encode, \(name), and codes to the host", shape: product.description,
                timing: whole, work: product.operations, unit: .operations,
                bound: "plain product", share: plain / whole.fastest,
                note: "\(8 * codes.indices.count >> 10) KiB of codes"))
        return codes
    }

    /// Sums of decoder rows; the bytes are those of the rows.
    private mutating func measureDecoding(
        _ codes: SparseCodes, _ decoder: DecoderWeights, _ name: String, _ product: Product
    ) throws {
        let timing = try timing { _ = try backend.decode(codes, decoder) }
        let rowBytes = product.inner * product.type.byteCount
        let bytes = Double(codes.indices.count * rowBytes)
        let distinct = Set(codes.indices).count * rowBytes
        let cache = backend.device.secondLevelCacheBytes
        let fits = min(1, Double(cache) / Double(max(1, distinct)))
        add(
            memoryBound(
                "decode, \(name)", product.description, timing, bytes: bytes, goal: 0.7,
                note: "\(codes.indices.count / max(1, codes.rows)) latents a row; "
                    + "\(distinct >> 20) MiB of distinct rows, of which \(Int(100 * fits)) % "
                    + "fit into the L2 cache of \(cache >> 20) MiB"))
    }
}

extension CUDADevice {
    /// Bytes of the cache that all multiprocessors share; 0 where the driver does not say.
    var secondLevelCacheBytes: Int {
        (try? driver.value(of: .secondLevelCacheBytes, device: number)) ?? 0
    }
}

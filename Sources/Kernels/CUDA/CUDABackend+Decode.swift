import Tensors

extension CUDABackend {
    /// Share of non-zeros from which a dense product beats sums of decoder rows.
    private static var denseShare: Double { 0.05 }

    /// Sums decoder rows; codes with many non-zeros go through a product.
    public func decode(_ codes: SparseCodes, _ decoder: DecoderWeights) throws -> Tensor {
        // Codes that came from the GPU and were not changed need no check of every latent.
        if codes.onDevice == nil { try Checks.decode(codes, decoder) }
        try Checks.decoder(decoder, latents: codes.latents)
        let (rows, width, matrix) = (codes.rows, decoder.matrix.columns, decoder.matrix)
        let shape = [rows, width]
        guard rows > 0, width > 0 else { return Tensor(uninitialized: shape) }
        let (result, target) = try result(shape)
        let bias = try list(decoder.bias, of: matrix)
        let entries = Double(codes.indices.count)
        if entries > Self.denseShare * Double(rows) * Double(codes.latents), entries > 64 {
            try device.launch(
                "fill_rows", .items(result.count, each: 1024),
                [.memory(target), bias, .long(rows), .int(width)])
            try decodeDense(codes, decoder, into: target)
            return result
        }
        let resident = try deviceCodes(codes)
        try device.launch(
            "decode_\(matrix.type.kernelSuffix)", .exactly(rows, (width + 511) / 512, 1),
            block: 128,
            [
                .memory(resident.starts), .memory(resident.indices),
                .memory(resident.values), .memory(try operand(matrix)),
                try list(decoder.rowScale, of: matrix), bias, .memory(target), .int(rows),
                .int(width),
            ])
        return result
    }

    /// Adds a product with the codes spread out, some rows at a time.
    private func decodeDense(
        _ codes: SparseCodes, _ decoder: DecoderWeights, into target: DeviceOperand
    ) throws {
        let (matrix, type) = (decoder.matrix, decoder.matrix.type)
        let (latents, width) = (codes.latents, matrix.columns)
        let resident = try deviceCodes(codes)
        let step = max(1, min(codes.rows, Self.productBytes / (type.byteCount * latents)))
        for start in stride(from: 0, to: codes.rows, by: step) {
            let rows = min(step, codes.rows - start)
            let dense = DeviceOperand(try device.zeros(type.byteCount * rows * latents))
            try device.launch(
                "scatter_codes_\(type.kernelSuffix)", .exactly(rows, 1, 1),
                [
                    .memory(resident.starts.moved(by: 8 * start)),
                    .memory(resident.indices),
                    .memory(resident.values),
                    try list(decoder.rowScale, of: matrix), .memory(dense), .int(rows),
                    .int(latents),
                ])
            try device.product(
                ProductFactor(operand: dense, stride: latents, isTransposed: false),
                ProductFactor(operand: try operand(matrix), stride: width, isTransposed: true),
                type: type, rows: rows, inner: latents, columns: width, beta: 1,
                to: DeviceOperand(target.block, offset: target.offset + 4 * start * width))
        }
    }
}

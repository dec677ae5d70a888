import Tensors

extension CUDABackend {
    /// Layer norm, one block of threads for each row.
    public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) throws
        -> Tensor
    {
        let width = x.columns
        try Checks.activations(x, width: width, "input of layer norm")
        try Checks.vector(weight, count: width, "layer norm weight")
        try Checks.vector(bias, count: width, "layer norm bias")
        guard x.count > 0 else { return Tensor(uninitialized: x.shape) }
        let (result, target) = try result(x.shape)
        try device.launch(
            "layer_norm", .rows(x.rows),
            [
                .memory(try operand(x)), .memory(try vector(weight)), .memory(try vector(bias)),
                .memory(target), .long(x.rows), .int(width), .float(epsilon),
            ])
        return result
    }

    /// Root-mean-square norm, one block of threads for each row.
    public func rmsNorm(_ x: Tensor, weight: Tensor, offset: Float, epsilon: Float) throws -> Tensor
    {
        let width = x.columns
        try Checks.activations(x, width: width, "input of root-mean-square norm")
        try Checks.vector(weight, count: width, "root-mean-square norm weight")
        guard x.count > 0 else { return Tensor(uninitialized: x.shape) }
        let (result, target) = try result(x.shape)
        try device.launch(
            "rms_norm", .rows(x.rows),
            [
                .memory(try operand(x)), .memory(try vector(weight)), .memory(target),
                .long(x.rows), .int(width), .float(offset), .float(epsilon),
            ])
        return result
    }

    /// Rotates queries or keys in place.
    public func rotate(_ x: Tensor, heads: Int, positions: Int, table: RotaryTable) throws {
        try Checks.rotate(x, heads: heads, positions: positions, table: table)
        let half = table.rotarySize / 2
        guard x.rows > 0, heads > 0, half > 0 else { return }
        try device.launch(
            "rotate", .items(x.rows * heads * half, each: 256),
            [
                .memory(try operand(x)), .memory(try operand(table.cosines)),
                .memory(try operand(table.sines)), .long(x.rows), .int(heads),
                .int(table.headSize), .int(half), .int(positions),
            ])
        x.buffer.deviceWrote()
    }

    /// Soft-max attention over tiles of queries and keys; no matrix of positions by positions.
    ///
    /// - Throws: ``KernelError`` with code `unsupported` for heads above 1,024.
    public func attention(
        queries: Tensor, keys: Tensor, values: Tensor, _ shape: AttentionShape
    ) throws -> Tensor {
        try Checks.attention(queries, keys, values, shape)
        guard queries.count > 0 else { return Tensor(uninitialized: queries.shape) }
        guard shape.headSize <= 1024 else {
            throw KernelError(
                .unsupported, "Attention heads of size \(shape.headSize) on a GPU",
                advice: "set device: cpu")
        }
        let tile = shape.headSize <= 256 ? 32 : 8
        let (result, target) = try result(queries.shape)
        try device.launch(
            "attention_\(tile)",
            .exactly((shape.positions + tile - 1) / tile, shape.heads, shape.batch), block: 128,
            sharedBytes: Self.attentionBytes(tile: tile, headSize: shape.headSize),
            [
                .memory(try operand(queries)), .memory(try operand(keys)),
                .memory(try operand(values)), .memory(target), .int(shape.positions),
                .int(shape.heads), .int(shape.keyHeads), .int(shape.headSize),
                .float(shape.scale), .float(shape.softCap ?? 0), .int(shape.window ?? 0),
            ])
        return result
    }

    /// Shared memory of one block of attention, as `attention.cu` lays it out.
    private static func attentionBytes(tile: Int, headSize: Int) -> Int {
        let padded = (headSize + 3) / 4 * 4
        let stride = padded % 8 == 0 ? padded + 4 : padded
        return 4 * (2 * tile * stride + tile * (tile + 4))
    }
}

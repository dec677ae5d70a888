import Tensors

extension CUDABackend {
    /// Elements that one block of an elementwise kernel takes at a time.
    private static var perBlock: Int { 1024 }

    /// Looks token embeddings up.
    public func embedding(_ tokens: [Int32], table: Tensor, scale: Float) throws -> Tensor {
        try Checks.embedding(tokens, table: table)
        let shape = [tokens.count, table.columns]
        guard tokens.count > 0, table.columns > 0 else { return Tensor(uninitialized: shape) }
        let (result, target) = try result(shape)
        try device.launch(
            "embed_\(table.type.kernelSuffix)", .items(result.count, each: Self.perBlock),
            [
                .memory(DeviceOperand(try device.upload(tokens))), .memory(try operand(table)),
                .memory(target), .long(tokens.count), .int(table.columns), .float(scale),
            ])
        return result
    }

    /// Applies an activation function in place.
    public func activate(_ x: Tensor, _ function: ActivationFunction) throws {
        try Checks.floats(x, "input of an activation function")
        try change(x, "activate", [.long(x.count), .int(function.forCUDA)])
    }

    /// `gate ← function(gate) · up`, in place.
    public func gate(_ gate: Tensor, up: Tensor, _ function: ActivationFunction) throws {
        try Checks.same(gate, up, "gate and up branch")
        guard gate.count > 0 else { return }
        try change(
            gate, "gate",
            [.memory(try operand(up)), .long(gate.count), .int(function.forCUDA)])
    }

    /// `x ← x + y`, in place.
    public func add(_ x: Tensor, _ y: Tensor) throws {
        try Checks.same(x, y, "summands")
        guard x.count > 0 else { return }
        try change(x, "add", [.memory(try operand(y)), .long(x.count)])
    }

    /// `x ← cap · tanh(x / cap)`, in place.
    public func softCap(_ x: Tensor, cap: Float) throws {
        try Checks.floats(x, "input of soft cap")
        try change(x, "soft_cap", [.long(x.count), .float(cap)])
    }

    /// Writes rows of x over rows of y.
    public func replaceRows(of y: Tensor, with x: Tensor, where isReplaced: [Bool]) throws {
        try Checks.replaceRows(y, x, isReplaced)
        guard y.count > 0, isReplaced.contains(true) else { return }
        let keep = try device.upload(isReplaced.map { $0 ? UInt8(0) : 1 })
        try change(
            y, "replace_rows",
            [
                .memory(try operand(x)), .memory(DeviceOperand(keep)), .long(y.rows),
                .int(y.columns),
            ])
    }

    /// Queues a kernel that changes a tensor in place.
    func change(_ x: Tensor, _ kernel: String, _ arguments: [KernelArgument]) throws {
        guard x.count > 0 else { return }
        try device.launch(
            kernel, .items(x.count, each: Self.perBlock),
            [.memory(try operand(x))] + arguments)
        x.buffer.deviceWrote()
    }

    /// Converts `float32` to a stored type.
    public func convert(_ x: Tensor, to type: ElementType) throws -> Tensor {
        try Checks.floats(x, "input of a conversion")
        guard Checks.weightTypes.contains(type) else {
            throw KernelError(
                .unsupported, "Conversion to \(type.rawValue)",
                advice: "use float32, bfloat16 or float16")
        }
        guard type != .float32 else { return x }
        return try copied(x, as: type, "narrow_\(type.kernelSuffix)")
    }

    /// Widens a stored type to `float32`.
    public func widen(_ x: Tensor) throws -> Tensor {
        guard x.type != .float32 else { return x }
        guard Checks.weightTypes.contains(x.type) else { return try ReferenceBackend().widen(x) }
        return try copied(x, as: .float32, "widen_\(x.type.kernelSuffix)")
    }

    /// A tensor in another type.
    private func copied(_ x: Tensor, as type: ElementType, _ kernel: String) throws -> Tensor {
        guard x.count > 0 else { return Tensor(uninitialized: x.shape, type: type) }
        let (result, target) = try result(x.shape, type)
        try device.launch(
            kernel, .items(x.count, each: Self.perBlock),
            [.memory(try operand(x)), .memory(target), .long(x.count)])
        return result
    }

    /// Splits fused queries, keys and values.
    public func splitFused(_ fused: Tensor, groups: Int) throws -> [Tensor] {
        try Checks.splitFused(fused, groups: groups)
        let width = fused.columns / (3 * groups)
        let shape = [fused.rows, groups * width]
        guard fused.count > 0 else { return (0..<3).map { _ in Tensor(uninitialized: shape) } }
        let parts = try (0..<3).map { _ in try result(shape) }
        try device.launch(
            "split_fused", .items(fused.count, each: Self.perBlock),
            [.memory(try operand(fused))] + parts.map { .memory($0.operand) } + [
                .long(fused.rows), .int(groups), .int(width),
            ])
        return parts.map(\.tensor)
    }
}

extension ActivationFunction {
    /// The number that kernels know it by.
    fileprivate var forCUDA: Int {
        switch self {
        case .relu: 0
        case .gelu: 1
        case .geluTanh: 2
        case .silu: 3
        }
    }
}

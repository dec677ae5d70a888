import Basics
import Synchronization
import Tensors

/// The backend for NVIDIA's GPUs: products by cuBLAS, everything else by kernels of our own.
///
/// Tensors stay on the GPU from operation to operation; weights go there when they are first used
/// and leave when their tensors do. Products of `bfloat16` or `float16` weights round the
/// activations to that type first and sum in `float32`; products of `float32` weights use no tensor
/// cores. The same calls give the same bits; a row's last bits may change with the number of rows
/// beside it, since cuBLAS chooses its algorithm by size.
///
/// Tolerances beside the operations hold with `float32` weights; with 16-bit weights those of
/// products are 0.4 % of the largest number, the rounding of the activations.
public final class CUDABackend: KernelBackend {
    /// The GPU.
    package let device: CUDADevice
    private let policy: Mutex<ChunkPolicy>

    /// The name in logs and keys.
    public var name: String { "cuda" }

    /// What the GPU is and how much of its memory this rank may use.
    public let description: String
    /// Where the kernels came from.
    public var kernelsNote: String { device.kernelsNote }

    /// Opens a GPU.
    ///
    /// - Parameters:
    ///   - index: among those that this process sees, from 0.
    ///   - sharers: ranks that use it together; each takes its part of the memory.
    /// - Throws: ``KernelError`` with code `unavailable`: one sentence that says what is missing.
    public convenience init(index: Int = 0, sharers: Int = 1) throws {
        try self.init(CUDADevice(index: index, sharers: sharers))
    }

    /// Works on an opened GPU.
    package init(_ device: CUDADevice) {
        self.device = device
        policy = Mutex(Self.chunks(memoryBytes: device.memory.limit))
        description =
            "\(device.name) (\(device.architecture)), \(device.memory.limit >> 20) MiB for each rank"
    }

    /// How many GPUs this process sees.
    ///
    /// - Throws: ``KernelError`` with code `unavailable`.
    public static func deviceCount() throws -> Int { try CUDADevice.count() }

    /// Bytes of the GPU's memory that this rank may use.
    public var memoryLimitBytes: Int { device.memory.limit }
    /// The most bytes that were in use so far.
    public var memoryPeakBytes: Int { device.memory.peakBytes }

    /// Chunks that fill a large GPU, and smaller ones for little memory.
    private static func chunks(memoryBytes: Int) -> ChunkPolicy {
        let scale = memoryBytes >= 40 << 30 ? 4 : memoryBytes >= 12 << 30 ? 2 : 1
        return ChunkPolicy(
            tokens: scale * 4 * blockRows, logitsTokens: scale * blockRows, atOnce: 2)
    }

    /// The chunks of a GPU with much memory.
    public static var largestChunks: ChunkPolicy { chunks(memoryBytes: .max) }

    /// Large pieces, two at a time, so that one is prepared while the other is computed.
    public var chunks: ChunkPolicy { policy.withLock { $0 } }

    /// Waits for the GPU.
    public func synchronize() throws { try device.synchronize() }

    /// Halves the chunks, down to 64 tokens; one at a time.
    public func useSmallerChunks() -> Bool {
        policy.withLock { policy in
            guard policy.tokens > 64 else { return false }
            policy = ChunkPolicy(
                tokens: policy.tokens / 2, logitsTokens: max(64, policy.logitsTokens / 2), atOnce: 1
            )
            return true
        }
    }
}

// MARK: - Tensors

extension CUDABackend {
    /// A tensor's bytes on the GPU, copied there unless they are.
    func operand(_ x: Tensor) throws -> DeviceOperand {
        let bytes = try x.buffer.deviceBytes { host in
            try device.upload(host, byteCount: x.buffer.byteCount)
        }
        if let block = bytes as? DeviceBlock, block.device === device {
            return DeviceOperand(block, offset: x.byteOffset)
        }
        // It is on another device.
        return DeviceOperand(try device.upload(x.constantBytes, byteCount: x.byteCount))
    }

    /// A tensor that the GPU is about to fill.
    func result(_ shape: [Int], _ type: ElementType = .float32) throws -> (
        tensor: Tensor, operand: DeviceOperand
    ) {
        let byteCount = shape.reduce(1, *) * type.byteCount
        let block = try device.block(byteCount)
        let buffer = Buffer(on: block, byteCount: byteCount)
        return (Tensor(shape: shape, type: type, buffer: buffer), DeviceOperand(block))
    }

    /// A tensor of zeros on the GPU.
    func zeros(_ shape: [Int]) throws -> Tensor {
        let byteCount = shape.reduce(1, *) * 4
        let buffer = Buffer(on: try device.zeros(byteCount), byteCount: byteCount)
        return Tensor(shape: shape, buffer: buffer)
    }

    /// A vector of weights as `float32` on the GPU.
    func vector(_ x: Tensor) throws -> DeviceOperand {
        guard x.type != .float32 else { return try operand(x) }
        return try x.buffer.cachedDerived("wide \(x.byteOffset) \(x.count)") {
            KeptOperand(operand: try operand(try widen(x)))
        }.operand
    }

    /// A list of numbers that belongs to a matrix, copied once.
    ///
    /// - Parameter owner: keeps the copy as long as its weights are kept.
    func list(_ values: [Float], of owner: Tensor) throws -> KernelArgument {
        let start = values.withUnsafeBufferPointer { Int(bitPattern: $0.baseAddress) }
        return .memory(
            try owner.buffer.cachedDerived("list \(start) \(values.count)") {
                KeptOperand(
                    operand: DeviceOperand(try device.upload(values)), values: values)
            }.operand)
    }

    /// The same of a list that may be missing.
    func list(_ values: [Float]?, of owner: Tensor) throws -> KernelArgument {
        try values.map { try list($0, of: owner) } ?? .none
    }
}

/// Something on the GPU that a buffer keeps. The list is held so that no other gets its address.
private struct KeptOperand: @unchecked Sendable {
    var operand: DeviceOperand
    var values: [Float] = []
}

// MARK: - Products

extension CUDABackend {
    /// Activations as a product's factor: in the type of the weights, minus a vector.
    ///
    /// Without a vector the rounded form is kept beside the activations: queries, keys and values
    /// share it.
    func factor(
        _ x: Tensor, minus centre: KernelArgument? = nil, as type: ElementType
    ) throws -> DeviceOperand {
        if centre == nil, type == .float32 { return try operand(x) }
        let source = try operand(x)
        func rounded() throws -> DeviceOperand {
            let target = try device.block(x.count * type.byteCount)
            try device.launch(
                "centre_\(type.kernelSuffix)", .items(x.count, each: 1024),
                [
                    .memory(source), centre ?? .none, .memory(DeviceOperand(target)),
                    .long(x.rows), .int(x.columns),
                ])
            return DeviceOperand(target)
        }
        guard centre == nil else { return try rounded() }
        return try x.buffer.cachedDerived("\(type.rawValue) \(x.byteOffset) \(x.count)") {
            KeptOperand(operand: try rounded())
        }.operand
    }

    /// `[rows, outputs] = x · W + bias`, by cuBLAS.
    public func linear(_ x: Tensor, _ weights: LinearWeights) throws -> Tensor {
        try Checks.linear(x, weights)
        let (rows, inputs, outputs) = (x.rows, weights.inputs, weights.outputs)
        let shape = [rows, outputs]
        guard rows > 0, outputs > 0 else { return Tensor(uninitialized: shape) }
        guard inputs > 0 || weights.bias != nil else { return try zeros(shape) }
        let (result, target) = try result(shape)
        if let bias = weights.bias {
            try device.launch(
                "fill_rows", .items(result.count, each: 1024),
                [.memory(target), .memory(try vector(bias)), .long(rows), .int(outputs)])
        }
        guard inputs > 0 else { return result }
        let matrix = weights.weight
        let isTransposed = weights.layout == .inputsByOutputs
        try device.product(
            ProductFactor(
                operand: try factor(x, as: matrix.type), stride: inputs, isTransposed: false),
            ProductFactor(
                operand: try operand(matrix), stride: isTransposed ? outputs : inputs,
                isTransposed: isTransposed),
            type: matrix.type, rows: rows, inner: inputs, columns: outputs,
            beta: weights.bias == nil ? 0 : 1, to: target)
        return result
    }
}

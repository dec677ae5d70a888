// How kernels and products are queued.
import Synchronization
import Tensors

extension CUDADevice {
    /// How many blocks a launch has.
    enum Grid {
        /// As many as `count` items need at `each` to a block, bounded: kernels walk on.
        case items(Int, each: Int)
        /// One block for each row, bounded: kernels walk on.
        case rows(Int)
        /// Exactly these.
        case exactly(Int, Int, Int)
    }

    /// Queues a kernel.
    ///
    /// - Parameters:
    ///   - block: threads of a block, as the kernel's source says.
    ///   - sharedBytes: dynamic shared memory.
    func launch(
        _ name: String, _ grid: Grid, block: Int = 256, sharedBytes: Int = 0,
        _ arguments: [KernelArgument]
    ) throws(KernelError) {
        let (x, y, z) = blocks(grid)
        guard x > 0, y > 0, z > 0 else { return }
        try guarded { () throws(KernelError) in
            let function = try functions.function(name, sharedBytes: sharedBytes)
            var values = arguments.map(\.bits)
            try recorded(name) { () throws(KernelError) in
                let status = values.withUnsafeMutableBufferPointer { slots in
                    var pointers = slots.indices.map { index in
                        slots.baseAddress.map { UnsafeMutableRawPointer($0 + index) }
                    }
                    return driver.launch(
                        function, UInt32(x), UInt32(y), UInt32(z), UInt32(block), 1, 1,
                        UInt32(sharedBytes), stream, &pointers, nil)
                }
                try driver.check(status, "cuLaunchKernel of a kernel")
            }
        }
        withExtendedLifetime(arguments) {}
    }

    private func blocks(_ grid: Grid) -> (Int, Int, Int) {
        // Enough to fill the device several times over; more would only cost starts.
        let most = 16 * multiprocessors
        switch grid {
        case .items(let count, let each): return (min((count + each - 1) / each, 2 * most), 1, 1)
        case .rows(let count): return (min(count, 4 * most), 1, 1)
        case .exactly(let x, let y, let z): return (x, y, z)
        }
    }

    /// Queues `result = left · rightᵀ + beta · result`, sums in float32.
    ///
    /// - Parameters:
    ///   - left: `[rows, inner]`; transposed it is stored as `[inner, rows]`.
    ///   - right: `[columns, inner]`; transposed it is stored as `[inner, columns]`.
    ///   - type: of both factors.
    /// - Shapes: `result` is `[rows, columns]` of float32.
    func product(
        _ left: ProductFactor, _ right: ProductFactor, type: ElementType,
        rows: Int, inner: Int, columns: Int, beta: Float, to result: DeviceOperand
    ) throws(KernelError) {
        // cuBLAS counts by columns: it computes resultᵀ = right · leftᵀ.
        var (one, beta) = (Float(1), beta)
        let number = type.forCUDA
        let operations: (BLAS.Operation, BLAS.Operation) = (
            right.isTransposed ? .none : .transposed, left.isTransposed ? .transposed : .none
        )
        try guarded { () throws(KernelError) in
            try queue.withLock { _ throws(KernelError) in
                try recorded(DeviceWork.product) { () throws(KernelError) in
                    try blas.check(
                        blas.product(
                            blasHandle, operations.0.rawValue, operations.1.rawValue,
                            Int32(columns), Int32(rows), Int32(inner), &one,
                            right.operand.address, number, Int32(right.stride),
                            left.operand.address, number, Int32(left.stride), &beta,
                            result.address, ElementType.float32.forCUDA, Int32(columns),
                            BLAS.computeFloat32, BLAS.defaultAlgorithm), "cublasGemmEx")
                }
            }
        }
        withExtendedLifetime((left, right, result)) {}
    }
}

extension ElementType {
    /// `cudaDataType_t` of a weight type; the checks have refused all others.
    var forCUDA: Int32 {
        switch self {
        case .bfloat16: 14
        case .float16: 2
        default: 0
        }
    }

    /// The ending of kernels for a weight type.
    var kernelSuffix: String {
        switch self {
        case .bfloat16: "bf16"
        case .float16: "f16"
        default: "f32"
        }
    }
}

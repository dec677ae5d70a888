import CKernels
import Tensors

extension CPUBackend {
    /// One row after the other; sums in `Double`.
    public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) throws
        -> Tensor
    {
        let width = x.columns
        try Checks.activations(x, width: width, "input of layer norm")
        try Checks.vector(weight, count: width, "layer norm weight")
        try Checks.vector(bias, count: width, "layer norm bias")
        let result = Tensor(uninitialized: x.shape)
        let (scale, shift) = (weight.widenedVector(level: level), bias.widenedVector(level: level))
        for row in 0..<x.rows {
            ck_layer_norm(
                level, x.floats + row * width, scale, shift, width, epsilon,
                result.floats + row * width)
        }
        return result
    }

    /// One row after the other; sums in `Double`.
    public func rmsNorm(_ x: Tensor, weight: Tensor, offset: Float, epsilon: Float) throws -> Tensor
    {
        let width = x.columns
        try Checks.activations(x, width: width, "input of root-mean-square norm")
        try Checks.vector(weight, count: width, "root-mean-square norm weight")
        let result = Tensor(uninitialized: x.shape)
        let scale = weight.widenedVector(level: level).map { $0 + offset }
        for row in 0..<x.rows {
            ck_rms_norm(
                level, x.floats + row * width, scale, width, epsilon, result.floats + row * width)
        }
        return result
    }

    /// One row after the other.
    public func rotate(_ x: Tensor, heads: Int, positions: Int, table: RotaryTable) throws {
        try Checks.rotate(x, heads: heads, positions: positions, table: table)
        let half = table.rotarySize / 2
        let (cosines, sines) = (table.cosines.floats, table.sines.floats)
        for row in 0..<x.rows {
            let angles = row % positions * half
            ck_rotate(
                level, x.floats + row * heads * table.headSize, heads, table.headSize, half,
                cosines + angles,
                sines + angles)
        }
    }

    /// Vectors of eight.
    public func activate(_ x: Tensor, _ function: ActivationFunction) throws {
        try Checks.floats(x, "input of an activation function")
        ck_activate(level, x.floats, nil, x.count, function.forC)
    }

    /// Vectors of eight.
    public func gate(_ gate: Tensor, up: Tensor, _ function: ActivationFunction) throws {
        try Checks.same(gate, up, "gate and up branch")
        ck_activate(level, gate.floats, up.floats, gate.count, function.forC)
    }

    /// Vectors of eight.
    public func add(_ x: Tensor, _ y: Tensor) throws {
        try Checks.same(x, y, "summands")
        ck_add(level, x.floats, y.floats, x.count)
    }

    /// Vectors of eight.
    public func softCap(_ x: Tensor, cap: Float) throws {
        try Checks.floats(x, "input of soft cap")
        ck_soft_cap(level, x.floats, x.count, cap)
    }

    /// Vectors of eight.
    public func convert(_ x: Tensor, to type: ElementType) throws -> Tensor {
        guard x.type == .float32, type == .bfloat16 || type == .float16 else {
            return try ReferenceBackend().convert(x, to: type)
        }
        let result = Tensor(uninitialized: x.shape, type: type)
        ck_narrow(level, x.floats, type.forC, x.count, result.bytes)
        return result
    }

    /// Vectors of eight; types that weights do not have go through the reference.
    public func widen(_ x: Tensor) throws -> Tensor {
        guard x.type == .bfloat16 || x.type == .float16 else {
            return try ReferenceBackend().widen(x)
        }
        let result = Tensor(uninitialized: x.shape)
        ck_widen(level, x.bytes, x.type.forC, x.count, result.floats)
        return result
    }
}

extension ActivationFunction {
    /// The C name.
    var forC: ck_function {
        switch self {
        case .relu: CK_F_RELU
        case .gelu: CK_F_GELU
        case .geluTanh: CK_F_GELU_TANH
        case .silu: CK_F_SILU
        }
    }
}

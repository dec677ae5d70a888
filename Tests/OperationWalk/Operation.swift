import Kernels
import Tensors

/// One operation of the walk: makes its arguments from a shape and runs on any backend.
package enum Operation: String, CaseIterable, Sendable {
    case embedding, linear, linearTransposed, layerNorm, rmsNorm, rotate, attention, attentionWindow
    case relu, gelu, geluTanh, silu, gate, add, softCap
    case encodeReLU, encodeExactReLU, encodeTopK, encodeRankedTopK, encodeJumpReLU, encodeGated
    case decode, decodeDense, logSumExp, divergence, divergenceFromOne, rowStatistics
    case maximumCosines, maximumCosinesTransposed, norms, normsTransposed, rowDots, convert, widen
    case elements, splitFused, replaceRows, firings, means

    /// Largest difference from the reference, as a share of the largest expected number.
    package var tolerance: Double {
        switch self {
        case .embedding, .add, .convert, .widen, .relu: 0
        case .elements, .splitFused, .replaceRows, .firings, .means: 0
        case .encodeExactReLU, .encodeTopK, .encodeRankedTopK, .encodeJumpReLU, .encodeGated: 0
        case .linear, .linearTransposed, .encodeReLU, .maximumCosines, .maximumCosinesTransposed:
            1e-5
        case .layerNorm, .rmsNorm, .rotate, .gelu, .geluTanh, .silu, .gate, .softCap: 1e-6
        case .attention, .attentionWindow, .decode, .decodeDense: 1e-6
        case .logSumExp, .norms, .normsTransposed, .rowDots: 1e-6
        case .divergence, .divergenceFromOne: 1e-5
        case .rowStatistics: 1e-12
        }
    }

    /// Whether the type of the weights matters.
    private var hasWeights: Bool {
        switch self {
        case .embedding, .linear, .linearTransposed, .layerNorm, .rmsNorm, .encodeReLU,
            .encodeExactReLU, .encodeTopK, .encodeRankedTopK, .encodeJumpReLU, .encodeGated,
            .decode, .decodeDense, .maximumCosines, .maximumCosinesTransposed, .norms,
            .normsTransposed, .rowDots, .convert, .widen:
            true
        default: false
        }
    }

    /// The tolerance on a GPU: products round activations, and dense decoding values, to a 16-bit
    /// type of the weights.
    package func tolerance(onGPU type: ElementType) -> Double {
        let rounding = type == .float32 ? 0 : type == .bfloat16 ? 0x1p-8 : 0x1p-11
        return switch self {
        case .linear, .linearTransposed, .encodeReLU, .decode, .decodeDense:
            max(tolerance, rounding)
        default: tolerance
        }
    }

    /// Every awkward shape, and every weight type where there are weights.
    package var shapes: [WalkShape] {
        WalkShape.all.filter { hasWeights || $0.type == .float32 }
    }

    /// Every operation with each of its shapes.
    package static let walk: [(operation: Operation, shape: WalkShape)] = allCases.flatMap {
        operation in operation.shapes.map { (operation: operation, shape: $0) }
    }

    /// Runs the operation; the same shape gives the same arguments on every backend.
    package func run(on backend: some KernelBackend, _ shape: WalkShape) throws -> Outcome {
        switch self {
        case .embedding, .linear, .linearTransposed, .layerNorm, .rmsNorm, .rotate, .attention,
            .attentionWindow:
            try runModel(on: backend, shape)
        case .relu, .gelu, .geluTanh, .silu, .gate, .add, .softCap, .convert, .widen, .splitFused,
            .replaceRows:
            try runElements(on: backend, shape)
        case .encodeReLU, .encodeExactReLU, .encodeTopK, .encodeRankedTopK, .encodeJumpReLU,
            .encodeGated, .decode, .decodeDense, .firings, .means:
            try runCodes(on: backend, shape)
        default: try runRows(on: backend, shape)
        }
    }

    private func runModel(on backend: some KernelBackend, _ shape: WalkShape) throws -> Outcome {
        var numbers = TestNumbers(seed: shape.rows &+ 31 &* shape.inner)
        let x = numbers.tensor([shape.rows, shape.inner], scale: 3)
        switch self {
        case .embedding:
            let table = numbers.tensor([max(shape.outer, 1), shape.inner]).stored(as: shape.type)
            let tokens = (0..<shape.rows).map { Int32($0 % table.rows) }
            return Outcome(try backend.embedding(tokens, table: table, scale: 1.5))
        case .linear:
            let weight = numbers.tensor([shape.outer, shape.inner]).stored(as: shape.type)
            let bias = numbers.tensor([shape.outer]).stored(as: shape.type)
            return Outcome(try backend.linear(x, LinearWeights(weight: weight, bias: bias)))
        case .linearTransposed:
            let weight = numbers.tensor([shape.inner, shape.outer]).stored(as: shape.type)
            return Outcome(
                try backend.linear(x, LinearWeights(weight: weight, layout: .inputsByOutputs)))
        case .layerNorm:
            let (weight, bias) = (numbers.tensor([shape.inner]), numbers.tensor([shape.inner]))
            return Outcome(
                try backend.layerNorm(
                    x, weight: weight.stored(as: shape.type), bias: bias.stored(as: shape.type),
                    epsilon: 1e-5))
        case .rmsNorm:
            let weight = numbers.tensor([shape.inner]).stored(as: shape.type)
            return Outcome(try backend.rmsNorm(x, weight: weight, offset: 1, epsilon: 1e-6))
        case .rotate:
            let (heads, size, positions) = (3, 2 * shape.inner + 1, max(shape.rows / 2, 1))
            let values = numbers.tensor([shape.rows, heads * size])
            let table = RotaryTable(
                rotarySize: 2 * shape.inner, headSize: size,
                cosines: numbers.tensor([positions, shape.inner]),
                sines: numbers.tensor([positions, shape.inner]))
            try backend.rotate(values, heads: heads, positions: positions, table: table)
            return Outcome(values)
        default:
            return try runAttention(on: backend, shape, &numbers)
        }
    }

    private func runAttention(
        on backend: some KernelBackend, _ shape: WalkShape, _ numbers: inout TestNumbers
    ) throws -> Outcome {
        let batch = shape.rows > 300 ? 3 : 1
        let isPlain = self == .attention
        let attention = AttentionShape(
            batch: batch, positions: min(shape.rows / batch, 171), heads: 2,
            keyHeads: isPlain ? 2 : 1,
            headSize: max(shape.inner, 1), scale: 0.3, softCap: isPlain ? nil : 5,
            window: isPlain ? nil : 9)
        let rows = attention.batch * attention.positions
        let queries = numbers.tensor([rows, attention.heads * attention.headSize])
        let keys = numbers.tensor([rows, attention.keyHeads * attention.headSize])
        let values = numbers.tensor([rows, attention.keyHeads * attention.headSize])
        return Outcome(
            try backend.attention(queries: queries, keys: keys, values: values, attention))
    }

    private func runElements(on backend: some KernelBackend, _ shape: WalkShape) throws -> Outcome {
        var numbers = TestNumbers(seed: shape.rows &+ 17 &* shape.outer)
        let x = numbers.tensor([shape.rows, shape.outer], scale: 12)
        let y = numbers.tensor([shape.rows, shape.outer])
        switch self {
        case .gate: try backend.gate(x, up: y, .silu)
        case .add: try backend.add(x, y)
        case .softCap: try backend.softCap(x, cap: 5)
        case .convert: return Outcome(try backend.convert(x, to: shape.type))
        case .widen: return Outcome(try backend.widen(x.stored(as: shape.type)))
        case .splitFused:
            let fused = numbers.tensor([shape.rows, 2 * 3 * shape.outer])
            let parts = try backend.splitFused(fused, groups: 2)
            return Outcome(parts.flatMap { Outcome($0).numbers })
        case .replaceRows:
            try backend.replaceRows(
                of: x, with: y, where: (0..<shape.rows).map { $0 % 3 == 1 })
        default:
            guard let function = ActivationFunction(rawValue: rawValue) else {
                preconditionFailure(rawValue)
            }
            try backend.activate(x, function)
        }
        return Outcome(x)
    }
}

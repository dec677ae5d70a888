import Kernels
import Tensors

extension Operation {
    /// Encoding and decoding. Where a threshold decides, numbers are chosen so that every sum is
    /// exact.
    func runCodes(on backend: some KernelBackend, _ shape: WalkShape) throws -> Outcome {
        if [.decode, .decodeDense, .firings, .means].contains(self) {
            return try runDecode(on: backend, shape)
        }
        var numbers = TestNumbers(seed: shape.rows &+ 7 &* shape.inner &+ shape.outer)
        let isTransposed = shape.rows % 2 == 1
        let axes = isTransposed ? [shape.outer, shape.inner] : [shape.inner, shape.outer]
        let isExact = self != .encodeReLU
        let x =
            isExact
            ? numbers.exact([shape.rows, shape.inner]) : numbers.tensor([shape.rows, shape.inner])
        let matrix = isExact ? numbers.exact(axes) : numbers.tensor(axes)
        let bias = numbers.exactList(shape.outer)
        let scale = numbers.exactList(shape.outer).map { abs($0) + 0.125 }
        let activation: EncoderWeights.Activation =
            switch self {
            case .encodeTopK: .topK(bias: bias, k: 3, rankScale: nil)
            case .encodeRankedTopK: .topK(bias: bias, k: 17, rankScale: scale)
            case .encodeJumpReLU: .jumpReLU(bias: bias, threshold: numbers.exactList(shape.outer))
            case .encodeGated:
                .gated(
                    gateBias: bias, magnitudeScale: scale,
                    magnitudeBias: numbers.exactList(shape.outer))
            default: .relu(bias: bias)
            }
        let encoder = EncoderWeights(
            matrix: matrix.stored(as: shape.type), isTransposed: isTransposed,
            inputBias: numbers.exactList(shape.inner), activation: activation,
            latentScale: self == .encodeRankedTopK || self == .encodeJumpReLU ? scale : nil)
        let codes = try backend.encode(x, encoder)
        for row in 0..<codes.rows {
            let latents = codes.indices[codes.rowStarts[row]..<codes.rowStarts[row + 1]]
            guard zip(latents, latents.dropFirst()).allSatisfy({ $0 < $1 }) else {
                return Outcome([Double.nan])
            }
        }
        guard codes.values.allSatisfy({ $0 != 0 }), codes.rows == shape.rows else {
            return Outcome([Double.nan])
        }
        return Outcome(codes)
    }

    private func runDecode(on backend: some KernelBackend, _ shape: WalkShape) throws -> Outcome {
        var numbers = TestNumbers(seed: shape.rows &+ 5 &* shape.inner &+ shape.outer)
        let latents = shape.outer
        var codes = SparseCodes(latents: latents)
        for _ in 0..<shape.rows {
            for latent in 0..<latents where self == .decodeDense || numbers.next() % 16 == 0 {
                codes.indices.append(Int32(latent))
                codes.values.append(abs(numbers.unit()) + 0.01)
            }
            codes.rowStarts.append(codes.indices.count)
        }
        if self == .firings || self == .means { return try runCounts(on: backend, codes) }
        let decoder = DecoderWeights(
            matrix: numbers.tensor([latents, shape.inner]).stored(as: shape.type),
            bias: numbers.exactList(shape.inner),
            rowScale: shape.rows % 2 == 0 ? nil : numbers.exactList(latents).map { abs($0) + 1 })
        return Outcome(try backend.decode(codes, decoder))
    }

    /// Counts and means of codes; sequences of three tokens, texts of one to four.
    private func runCounts(on backend: some KernelBackend, _ codes: SparseCodes) throws -> Outcome {
        var codes = codes
        for entry in codes.values.indices where entry % 5 == 2 { codes.values[entry] *= -1 }
        if self == .firings {
            let kept = (0..<codes.rows).map { $0 % 4 != 3 }
            let firings = try backend.firings(of: codes, kept: kept, positions: 3)
            return Outcome((firings.tokens + firings.sequences).map(Double.init))
        }
        var starts = [0]
        while let last = starts.last, last < codes.rows {
            starts.append(min(codes.rows, last + 1 + starts.count % 4))
        }
        return Outcome(try backend.means(of: codes, over: starts))
    }

    /// Operations that reduce rows.
    func runRows(on backend: some KernelBackend, _ shape: WalkShape) throws -> Outcome {
        var numbers = TestNumbers(seed: shape.rows &+ 3 &* shape.outer)
        let x = numbers.tensor([shape.rows, max(shape.outer, 1)], scale: 10)
        let y = numbers.tensor(
            [self == .divergenceFromOne ? 1 : shape.rows, max(shape.outer, 1)], scale: 10)
        let reference = ReferenceBackend()
        switch self {
        case .logSumExp: return Outcome(try backend.logSumExp(x))
        case .elements:
            let columns = (0..<shape.rows).map { Int32($0 * 7 % x.columns) }
            return Outcome(try backend.elements(of: x, at: columns))
        case .divergence, .divergenceFromOne:
            return Outcome(
                try backend.divergence(
                    clean: x, cleanLogSumExp: try reference.logSumExp(x), changed: y,
                    changedLogSumExp: try reference.logSumExp(y)))
        case .rowStatistics:
            return Outcome(
                try backend.rowStatistics(x, y).flatMap {
                    [$0.inputSquared, $0.outputSquared, $0.dot, $0.errorSquared]
                })
        case .norms: return Outcome(try backend.norms(of: MatrixView(x.stored(as: shape.type))))
        case .normsTransposed:
            return Outcome(
                try backend.norms(of: MatrixView(x.stored(as: shape.type), isTransposed: true)))
        case .rowDots:
            let other = numbers.tensor([x.columns, x.rows]).stored(as: shape.type)
            return Outcome(
                try backend.rowDots(MatrixView(x), MatrixView(other, isTransposed: true)))
        default:
            let count = min(shape.rows, 300)
            let isTransposed = self == .maximumCosinesTransposed
            let matrix = numbers.tensor(
                isTransposed ? [shape.inner, count] : [count, shape.inner])
            let view = MatrixView(matrix.stored(as: shape.type), isTransposed: isTransposed)
            let norms = try reference.norms(of: view)
            return Outcome(
                try backend.maximumCosines(of: count / 4..<count, in: view, norms: norms))
        }
    }
}

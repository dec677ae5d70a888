import Glibc
import Tensors

extension EncoderWeights {
    /// The encoder of some latents alone, numbered by their indices among them; nil where latents
    /// compete for a slot among the k largest.
    ///
    /// Every latent keeps its bits: products sum each latent's terms in one order, whatever is
    /// beside it.
    ///
    /// - Parameter latents: ascending.
    /// - Cost: copies `model · latents` numbers as they are stored, but shares the memory of latents
    ///   that are adjacent in a transposed matrix.
    public func selecting(_ latents: [Int]) -> EncoderWeights? {
        guard let activation = activation.selecting(latents) else { return nil }
        let runs = Self.runs(latents)
        var matrix = matrix
        if isTransposed {
            matrix = runs.count == 1 ? matrix.rows(runs[0]) : matrix.gatheringRows(runs)
        } else {
            matrix = matrix.gatheringColumns(runs)
        }
        return EncoderWeights(
            matrix: matrix, isTransposed: isTransposed, inputBias: inputBias,
            activation: activation,
            latentScale: latentScale.map { scale in latents.map { scale[$0] } })
    }

    /// Ranges of latents that follow each other.
    private static func runs(_ latents: [Int]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for latent in latents {
            if let last = runs.last, last.upperBound == latent {
                runs[runs.count - 1] = last.lowerBound..<latent + 1
            } else {
                runs.append(latent..<latent + 1)
            }
        }
        return runs
    }
}

extension EncoderWeights.Activation {
    /// The activation of some latents; nil for top-k.
    fileprivate func selecting(_ latents: [Int]) -> EncoderWeights.Activation? {
        func some(_ values: [Float]) -> [Float] { latents.map { values[$0] } }
        switch self {
        case .relu(let bias): return .relu(bias: some(bias))
        case .topK: return nil
        case .jumpReLU(let bias, let threshold):
            return .jumpReLU(bias: some(bias), threshold: some(threshold))
        case .gated(let gateBias, let magnitudeScale, let magnitudeBias):
            return .gated(
                gateBias: some(gateBias), magnitudeScale: some(magnitudeScale),
                magnitudeBias: some(magnitudeBias))
        }
    }
}

extension Tensor {
    /// Some rows one after the other, copied.
    fileprivate func gatheringRows(_ runs: [Range<Int>]) -> Tensor {
        let width = columns * type.byteCount
        let result = Tensor(
            uninitialized: [runs.reduce(0) { $0 + $1.count }] + shape.dropFirst(), type: type)
        var target = result.bytes
        for run in runs {
            memcpy(target, bytes + run.lowerBound * width, run.count * width)
            target += run.count * width
        }
        return result
    }

    /// Some columns of a matrix side by side, copied.
    fileprivate func gatheringColumns(_ runs: [Range<Int>]) -> Tensor {
        let size = type.byteCount
        let result = Tensor(
            uninitialized: [rows, runs.reduce(0) { $0 + $1.count }], type: type)
        var target = result.bytes
        for row in 0..<rows {
            let source = bytes + row * columns * size
            for run in runs {
                memcpy(target, source + run.lowerBound * size, run.count * size)
                target += run.count * size
            }
        }
        return result
    }
}

import Kernels
import LanguageModels
import Tensors

/// A causal model of two blocks: attention gives the mean of what was seen so far, times a matrix;
/// the MLP a cubic of the stream; the unembedding is linear with a bias.
///
/// It is written twice: here on tensors and passes, and in ``reference(_:replacing:with:)`` as
/// plain loops.
struct ToyModel: LanguageModel {
    let description: ModelDescription
    private let embedding: Tensor
    private let attention: [Tensor]
    private let mlp: [Tensor]
    private let unembedding: Tensor
    private let bias: [Float]

    init(modelSize: Int = 6, vocabulary: Int = 10, layers: Int = 2) {
        description =
            toyCohort(layers: layers, modelSize: modelSize, latents: [], vocabulary: vocabulary)
            .model
        var numbers = Numbers(seed: 5)
        embedding = numbers.tensor([vocabulary, modelSize])
        attention = (0..<layers).map { _ in numbers.tensor([modelSize, modelSize], times: 0.5) }
        mlp = (0..<layers).map { _ in numbers.tensor([modelSize, modelSize], times: 0.5) }
        unembedding = numbers.tensor([modelSize, vocabulary])
        bias = (0..<vocabulary).map { _ in numbers.next() }
    }

    func run(_ pass: ForwardPass) throws -> ForwardResult {
        var result = ForwardResult(captured: [:], logits: nil)
        func visit(_ layer: Int, _ site: HookPoint.Site, _ x: [Float]) throws -> [Float] {
            let point = HookPoint(layer: layer, site: site)
            var tensor = Tensor(x, shape: [pass.batch * pass.positions, description.modelSize])
            for intervention in pass.interventions[point] ?? [] {
                tensor = try intervention(
                    HookedActivation(
                        values: tensor, batch: pass.batch, positions: pass.positions))
            }
            if pass.captures.contains(point) { result.captured[point] = tensor }
            return tensor.values
        }
        let size = description.modelSize
        var (x, first): ([Float], Int) =
            switch pass.start {
            case .tokens(let tokens):
                (tokens.flatMap { embedding.rows(Int($0)..<Int($0) + 1).values }, 0)
            case .residual(let tensor, let block): (tensor.values, block)
            }
        for layer in first..<max(first, description.layers) {
            x = try visit(layer, .residPre, x)
            var means = x
            for start in stride(from: 0, to: x.count, by: pass.positions * size) {
                for d in 0..<size {
                    var sum: Float = 0
                    for position in 0..<pass.positions {
                        sum += x[start + position * size + d]
                        means[start + position * size + d] = sum / Float(position + 1)
                    }
                }
            }
            x = zip(x, try visit(layer, .attnOut, product(means, attention[layer]))).map { $0 + $1 }
            x = try visit(layer, .residMid, x)
            x = zip(x, try visit(layer, .mlpOut, product(x, mlp[layer]).map { $0 * $0 * $0 / 3 }))
                .map { $0 + $1 }
            x = try visit(layer, .residPost, x)
        }
        let logits = product(x, unembedding).enumerated().map { $1 + bias[$0 % bias.count] }
        result.logits = Tensor(logits, shape: [pass.batch * pass.positions, bias.count])
        return result
    }

    private func product(_ x: [Float], _ matrix: Tensor) -> [Float] {
        let (inputs, outputs) = (matrix.shape[0], matrix.shape[1])
        let weights = matrix.floats
        var result: [Float] = []
        result.reserveCapacity(x.count / inputs * outputs)
        x.withUnsafeBufferPointer { x in
            for start in stride(from: 0, to: x.count, by: inputs) {
                for column in 0..<outputs {
                    var sum: Float = 0
                    for d in 0..<inputs { sum += x[start + d] * weights[d * outputs + column] }
                    result.append(sum)
                }
            }
        }
        return result
    }

    /// The logits of one row of tokens, in `Double`, with one hook replaced.
    func reference(
        _ tokens: [Int32], replacing hook: HookPoint?, with replacement: ([[Double]]) -> [[Double]]
    ) -> [[Double]] {
        func visit(_ layer: Int, _ site: HookPoint.Site, _ x: [[Double]]) -> [[Double]] {
            HookPoint(layer: layer, site: site) == hook ? replacement(x) : x
        }
        func times(_ x: [Double], _ matrix: Tensor) -> [Double] {
            (0..<matrix.shape[1]).map { column in
                x.indices.reduce(0) {
                    $0 + x[$1] * Double(matrix.value(at: $1 * matrix.shape[1] + column))
                }
            }
        }
        func sum(_ x: [[Double]], _ y: [[Double]]) -> [[Double]] {
            zip(x, y).map { zip($0, $1).map { $0 + $1 } }
        }
        var x = tokens.map { token in
            embedding.rows(Int(token)..<Int(token) + 1).values.map(Double.init)
        }
        for layer in 0..<description.layers {
            x = visit(layer, .residPre, x)
            let means = x.indices.map { position in
                x[0].indices.map { d in
                    (0...position).reduce(0) { $0 + x[$1][d] } / Double(position + 1)
                }
            }
            x = sum(x, visit(layer, .attnOut, means.map { times($0, attention[layer]) }))
            x = visit(layer, .residMid, x)
            let cubes = x.map { times($0, mlp[layer]).map { $0 * $0 * $0 / 3 } }
            x = visit(layer, .residPost, sum(x, visit(layer, .mlpOut, cubes)))
        }
        return x.map { zip(times($0, unembedding), bias).map { $0 + Double($1) } }
    }
}

extension ToyAutoencoder {
    /// The reconstruction of one activation in `Double`.
    func reference(_ x: [Double]) -> [Double] {
        let latents = (0..<description.latents).map { f in
            max(
                0,
                x.indices.reduce(Double(encoderBias[f])) {
                    $0 + (x[$1] - Double(decoderBias[$1]))
                        * Double(encoder.value(at: $1 * description.latents + f))
                })
        }
        return x.indices.map { d in
            latents.indices.reduce(Double(decoderBias[d])) {
                $0 + latents[$1] * Double(decoder.value(at: $1 * x.count + d))
            }
        }
    }
}

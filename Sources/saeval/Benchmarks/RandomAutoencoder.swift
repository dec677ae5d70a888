import Autoencoders
import Kernels
import LanguageModels
import Tensors

/// A jump-relu autoencoder with random weights.
struct RandomAutoencoder: Autoencoder {
    /// Sizes and hook.
    let description: AutoencoderDescription
    /// `[model, latents]` in `bfloat16`.
    private let encoder: EncoderWeights
    /// `[latents, model]` in `bfloat16`.
    private let decoder: DecoderWeights

    /// Makes the weights in the GPU's memory.
    ///
    /// - Parameter threshold: of all latents. Pre-activations are as large as activations, so this
    ///   says how many pass.
    init(
        _ benchmark: inout GPUBenchmark, modelSize: Int, latents: Int, threshold: Float,
        at hook: HookPoint
    ) throws {
        description = AutoencoderDescription(
            architecture: "jumprelu", modelSize: modelSize, latents: latents,
            hookName: hook.description, id: "random", storedType: .bfloat16)
        let scale = 1.7 / Float(modelSize).squareRoot()
        encoder = EncoderWeights(
            matrix: try benchmark.numbers([modelSize, latents], .bfloat16, scale: scale),
            activation: .jumpReLU(
                bias: [Float](repeating: 0, count: latents),
                threshold: [Float](repeating: threshold, count: latents)))
        decoder = DecoderWeights(
            matrix: try benchmark.numbers([latents, modelSize], .bfloat16, scale: scale),
            bias: [Float](repeating: 0, count: modelSize))
    }

    /// The decoder as it is stored.
    var decoderMatrix: MatrixView { MatrixView(decoder.matrix) }

    /// Encodes as any autoencoder from files does.
    func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        try backend.encode(x, encoder)
    }

    /// Decodes as any autoencoder from files does.
    func decode(_ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend) throws -> Tensor
    {
        try backend.decode(codes, decoder)
    }
}

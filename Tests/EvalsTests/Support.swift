import Autoencoders
import Basics
import Corpora
import EmulatedGPU
import EvalKit
import Foundation
import Kernels
import LanguageModels
import Results
import Tensors
import Testing

/// The backends that every number is checked on.
let backends: [any KernelBackend] =
    [ReferenceBackend(), CPUBackend()]
    + (EmulatedGPU.folder == nil ? [] : [try! EmulatedGPU.backend.get()])

/// Repeatable numbers between -1 and 1.
struct Numbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// The next number.
    mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
    }

    /// A tensor of them, times a factor.
    mutating func tensor(_ shape: [Int], times factor: Float = 1) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in next() * factor }, shape: shape)
    }
}

/// What loading those of some autoencoders throws that fail to load.
func failuresToLoad(_ autoencoders: [any Autoencoder]) -> [SubjectIndex: any Error] {
    var failures: [SubjectIndex: any Error] = [:]
    for (index, autoencoder) in autoencoders.enumerated() {
        if (autoencoder as? BrokenAutoencoder)?.failsToLoad == true {
            failures[SubjectIndex(index)] = Broken()
        }
    }
    return failures
}

/// A cohort of autoencoders that are in no file.
func toyCohort(
    hook: HookPoint = HookPoint(layer: 0, site: .residPost), layers: Int = 1, modelSize: Int,
    latents: [Int],
    vocabulary: Int = 10, specialTokens: [Int32] = [0]
) -> Cohort {
    var cohort = Cohort.inMemory(
        latents.map {
            AutoencoderDescription(
                architecture: "standard", modelSize: modelSize, latents: $0,
                hookName: hook.description, id: "toy")
        },
        release: "toys", at: hook,
        of: ModelDescription(
            architecture: "toy", layers: layers, modelSize: modelSize, vocabulary: vocabulary,
            heads: 1, contextSize: 1024, blockParameters: 3 * modelSize * modelSize,
            embeddingParameters: 2 * vocabulary * modelSize),
        prependsBOS: true, specialTokens: specialTokens)
    cohort.modelName = "toy-model"
    return cohort
}

/// `relu((x - b_dec) W_enc + b_enc)` and back, written as a user would.
struct ToyAutoencoder: Autoencoder {
    let description: AutoencoderDescription
    /// `[model, latents]`.
    let encoder: Tensor
    /// `[latents, model]`.
    let decoder: Tensor
    let encoderBias: [Float]
    let decoderBias: [Float]

    init(encoder: Tensor, decoder: Tensor, encoderBias: [Float], decoderBias: [Float]) {
        (self.encoder, self.decoder) = (encoder, decoder)
        (self.encoderBias, self.decoderBias) = (encoderBias, decoderBias)
        description = AutoencoderDescription(
            architecture: "toy", modelSize: decoder.shape[1], latents: decoder.shape[0],
            hookName: "blocks.0.hook_resid_post", id: "toy")
    }

    /// One with repeatable weights.
    init(modelSize: Int, latents: Int, seed: UInt64) {
        var numbers = Numbers(seed: seed)
        self.init(
            encoder: numbers.tensor([modelSize, latents]),
            decoder: numbers.tensor([latents, modelSize], times: 0.5),
            encoderBias: (0..<latents).map { _ in numbers.next() * 0.3 },
            decoderBias: (0..<modelSize).map { _ in numbers.next() * 0.3 })
    }

    var encoderMatrix: MatrixView? { MatrixView(encoder, isTransposed: true) }
    var decoderMatrix: MatrixView { MatrixView(decoder) }

    func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        try backend.encode(
            x,
            EncoderWeights(
                matrix: encoder, inputBias: decoderBias, activation: .relu(bias: encoderBias)))
    }

    func decode(_ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend) throws -> Tensor
    {
        try backend.decode(codes, DecoderWeights(matrix: decoder, bias: decoderBias))
    }
}

/// What ``BrokenAutoencoder`` throws.
struct Broken: Error {}

/// An autoencoder that cannot encode, or cannot even be loaded.
struct BrokenAutoencoder: Autoencoder {
    let failsToLoad: Bool
    let description = AutoencoderDescription(
        architecture: "broken", modelSize: 6, latents: 4, hookName: "blocks.0.hook_resid_post",
        id: "broken")
    let decoderMatrix = MatrixView(Tensor(zeros: [4, 6]))

    func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes { throw Broken() }

    func decode(_ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend) throws -> Tensor
    { x }
}

extension Outcome {
    /// A metric by name.
    func metric(_ name: String) throws -> Double { try #require(self[name]?.value) }

    /// A mean over those parts that are not missing.
    func partialMean(_ name: String) throws -> Double {
        try #require(incomplete?.partialMeans.first { $0.name == name }?.value)
    }

    /// A column of the details.
    func details(_ name: String) -> [Double] {
        (detailRows.elements ?? []).compactMap { $0[name]?.double }
    }

    /// The details as SAE Bench has them.
    var detailRows: JSON { .array((0..<details.count).map { saeBenchDetail(at: $0) }) }

    /// Whether upstream's metrics have no value.
    var hasNoMeans: Bool { metrics.allSatisfy { $0.isOwn || $0.value == nil } }
}

/// Whether two numbers agree, by difference or relative to the second.
func isClose(_ value: Double, _ expected: Double, within tolerance: Double) -> Bool {
    abs(value - expected) <= tolerance * max(1, abs(expected))
}

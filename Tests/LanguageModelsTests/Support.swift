import Basics
import EmulatedGPU
import Formats
import Foundation
import Kernels
import Tensors
import Testing

@testable import LanguageModels

/// The folder of the tiny models.
let fixtures = parentFolder(of: parentFolder(of: #filePath)) + "/Fixtures/models"

/// The folder of shared material, when there is one.
let sharedFolder = ProcessInfo.processInfo.environment["SAEVAL_SHARED"]

/// The folder of real models, when there is one.
let realModels = ProcessInfo.processInfo.environment["SAEVAL_REAL_MODELS"]

/// The tiny models.
let fixtureNames = [
    "neox", "neox-sequential", "gpt2", "llama", "llama-biased", "llama3", "llama-linear", "mistral",
    "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "olmo2", "olmo2-grouped",
]

/// The tiny models whose blocks run attention before MLP.
let sequentialNames = fixtureNames.filter { $0 != "neox" }

/// The backends that must agree with other implementations; promises about bits are tested on the
/// CPU.
enum TestBackend: String, CaseIterable {
    case reference, cpu, emulatedGPU

    /// Those that this machine has.
    static let allCases: [TestBackend] =
        [.reference, .cpu] + (EmulatedGPU.folder == nil ? [] : [.emulatedGPU])

    /// The backend itself.
    var backend: any KernelBackend {
        get throws {
            switch self {
            case .reference: return ReferenceBackend()
            case .cpu: return CPUBackend()
            case .emulatedGPU: return try EmulatedGPU.backend.get()
            }
        }
    }
}

/// A tiny model and what transformers computed with it.
struct Fixture {
    let model: any LanguageModel
    let expected: SafetensorsFile
    let batch = 2
    let positions = 12
    private let folder: String
    private let backend: TestBackend

    /// What a GPU's rounding of activations to 16-bit types costs, as a share of the largest value.
    var rounding: Float {
        get throws {
            guard backend == .emulatedGPU else { return 0 }
            switch try JSON(file: "\(folder)/config.json")["dtype"]?.text {
            case "bfloat16": return 6e-2
            case "float16": return 1e-3
            default: return 0
            }
        }
    }

    init(_ name: String, _ backend: TestBackend = .cpu) throws {
        (folder, self.backend) = ("\(fixtures)/\(name)", backend)
        model = try loadLanguageModel(folder: "\(fixtures)/\(name)", backend: backend.backend)
        expected = try SafetensorsFile(path: "\(fixtures)/\(name)/expected.safetensors")
    }

    var tokens: [Int32] { get throws { try expected.tensor("tokens").tokens } }

    /// The hooks that the model has, in order.
    var hooks: [HookPoint] {
        let points = (0..<model.description.layers).flatMap { layer in
            HookPoint.Site.allCases.map { HookPoint(layer: layer, site: $0) }
        }
        return Set(points).filter { !model.description.missingSites.contains($0.site) }.sorted()
    }

    /// The hooks of which transformers' activations are stored; the others repeat one of them.
    var expectedHooks: [HookPoint] {
        expected.tensorNames.compactMap { try? HookPoint(parsing: $0) }.sorted()
    }

    /// A pass over all tokens.
    func pass(
        to end: ForwardPass.End = .logits, captures: Set<HookPoint> = [],
        interventions: [HookPoint: [Intervention]] = [:]
    ) throws -> ForwardPass {
        ForwardPass(
            start: .tokens(try tokens), end: end, batch: batch, positions: positions,
            captures: captures,
            interventions: interventions)
    }

    /// A pass from a residual stream.
    func pass(from residual: Tensor, beforeBlock: Int, captures: Set<HookPoint> = []) -> ForwardPass
    {
        ForwardPass(
            start: .residual(residual, beforeBlock: beforeBlock), end: .logits, batch: batch,
            positions: positions, captures: captures)
    }

    /// Runs all tokens to the logits.
    func logits() throws -> Tensor { try #require(try model.run(pass()).logits) }
}

extension Tensor {
    /// The values as token ids.
    var tokens: [Int32] { values.map { Int32($0) } }

    /// The largest magnitude.
    var largest: Float { values.map(\.magnitude).max() ?? 0 }

    /// The bytes, for comparisons bit for bit.
    var content: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: bytes, count: byteCount)) }

    /// Every value changed by a function, in memory of its own.
    func mapped(_ function: (Float) -> Float) -> Tensor {
        Tensor(values.map(function), shape: shape)
    }
}

/// The largest difference of two tensors of one length.
func difference(_ first: Tensor, _ second: Tensor) -> Float {
    guard first.count == second.count else { return .infinity }
    return zip(first.values, second.values).map { ($0 - $1).magnitude }.max() ?? 0
}

/// A copy of a tiny model that may be damaged; it goes when this object does.
final class ModelCopy {
    let folder: String

    init(_ name: String) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "saeval-\(UUID().uuidString)")
        folder = url.path
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for file in ["config.json", "model.safetensors"] {
            try FileManager.default.copyItem(
                atPath: "\(fixtures)/\(name)/\(file)", toPath: "\(folder)/\(file)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Sets a key of the config, or removes it.
    func set(_ key: String, _ text: String?) throws {
        let path = "\(folder)/config.json"
        var members = try #require(try JSON(file: path).members).filter { $0.key != key }
        if let text {
            members.append(
                JSONMember(key: key, value: try JSON(parsing: Array(text.utf8), source: key)))
        }
        try writeFile(Array(JSON.object(members).text(indent: 1).utf8), to: path)
    }

    /// Rewrites the weights; a change returns nil to drop a tensor.
    func rewrite(
        adding extra: [(name: String, tensor: Tensor)] = [],
        _ change: (String, Tensor) throws -> (name: String, tensor: Tensor)?
    ) throws {
        let path = "\(folder)/model.safetensors"
        let file = try SafetensorsFile(path: path)
        let kept = try file.tensorNames.compactMap { try change($0, file.tensor($0).copied()) }
        try writeSafetensors(kept + extra, to: path)
    }

    /// Loads the copy.
    func load() throws -> any LanguageModel {
        try loadLanguageModel(folder: folder, backend: TestBackend.cpu.backend)
    }

    /// The error of loading the copy.
    func error() throws -> LanguageModelError {
        try #require(throws: LanguageModelError.self) { _ = try self.load() }
    }
}

/// The tensors of a source, widened to `float32`.
struct WidenedTensors: TensorSource {
    private let source: any TensorSource
    var path: String { source.path }
    var tensorNames: [String] { source.tensorNames }

    init(_ source: any TensorSource) { self.source = source }

    func contains(_ name: String) -> Bool { source.contains(name) }
    func shape(of name: String) throws(FormatError) -> [Int] { try source.shape(of: name) }
    func type(of name: String) throws(FormatError) -> ElementType { .float32 }
    func tensor(_ name: String) throws(FormatError) -> Tensor {
        let stored = try source.tensor(name)
        return Tensor(stored.values, shape: stored.shape)
    }
}

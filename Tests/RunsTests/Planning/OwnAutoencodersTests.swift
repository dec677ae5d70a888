import Autoencoders
import Basics
import Evals
import Foundation
import Kernels
import Tensors
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

/// An autoencoder of a program's own, right or wrong in one way.
private struct Own: Autoencoder {
    /// Ways to be wrong, and ways to be another one.
    enum Way: String, CaseIterable {
        case right, otherFunction, otherWeights
        case unsorted, outOfRange, zero, notFinite, wrongRows, wrongLatents, wrongStarts
        case wrongShape, infinite, wrongMatrix
    }

    let way: Way
    let description: AutoencoderDescription

    init(_ way: Way, id: String = "mine", hook: String = "blocks.1.hook_resid_post") {
        self.way = way
        description = AutoencoderDescription(
            architecture: "own", modelSize: 128, latents: 128, hookName: hook, id: id)
    }

    var decoderMatrix: MatrixView {
        let size = way == .wrongMatrix ? 127 : 128
        let matrix = Tensor(zeros: [128, size])
        for row in 0..<size { matrix.floats[row * size + row] = way == .otherWeights ? 2 : 1 }
        return MatrixView(matrix)
    }

    func encode(_ x: Tensor, on backend: any KernelBackend) throws -> SparseCodes {
        let bias = [Float](repeating: way == .otherFunction ? 0.01 : 0, count: 128)
        let identity = Own(.right).decoderMatrix.tensor
        var codes = try backend.encode(
            x, EncoderWeights(matrix: identity, activation: .relu(bias: bias)))
        switch way {
        case .unsorted: codes.indices.swapAt(0, 1)
        case .outOfRange: codes.indices[codes.rowStarts[1] - 1] = 128
        case .zero: codes.values[3] = 0
        case .notFinite: codes.values[3] = .nan
        case .wrongRows: codes.rowStarts.append(codes.indices.count)
        case .wrongLatents: codes.latents = 127
        case .wrongStarts: codes.rowStarts[1] = codes.indices.count + 5
        default: break
        }
        return codes
    }

    func decode(_ codes: SparseCodes, of x: Tensor, on backend: any KernelBackend) throws -> Tensor
    {
        if way == .wrongShape { return Tensor(zeros: [x.rows, 127]) }
        let bias = [Float](repeating: way == .infinite ? .infinity : 0, count: 128)
        return try backend.decode(
            codes, DecoderWeights(matrix: Own(.right).decoderMatrix.tensor, bias: bias))
    }
}

struct OwnAutoencodersTests {
    private let backend = ReferenceBackend()

    /// What the error of each wrong way names.
    static let mistakes: [(String, String)] = [
        ("unsorted", "after"), ("outOfRange", "gave latent 128"), ("zero", "gave 0.0"),
        ("notFinite", "gave nan"), ("wrongRows", "gave 8 rows"),
        ("wrongLatents", "127 latents"), ("wrongStarts", "row starts"),
        ("wrongShape", "[7, 127], expected float32 of [7, 128]"), ("infinite", "not finite"),
        ("wrongMatrix", "128 by 127"),
    ]

    @Test("A trial finds what is wrong with a type and names it", arguments: mistakes)
    func trial(way: String, says: String) throws {
        let own = Own(try #require(Own.Way(rawValue: way)))
        let error = try #require(throws: RunError.self) {
            _ = try OwnAutoencoders([own], on: backend)
        }
        #expect(error.message.contains("custom_sae/mine"))
        #expect(error.message.contains(says), "\(error)")
    }

    @Test("Two of one name are refused")
    func names() throws {
        let error = try #require(throws: RunError.self) {
            _ = try OwnAutoencoders([Own(.right), Own(.otherWeights)], on: backend)
        }
        #expect(error.message.contains("custom_sae/mine"))
    }

    /// The plan of some autoencoders without any on disk.
    private func plan(_ own: [any Autoencoder], hook: String? = nil) throws -> RunPlan {
        let folder = "\(packageFolder)/configs/quickstart"
        let file = try TemporaryFolder()
        let text = """
            model: \(folder)/model
            evals: {core: {dataset: q, context_size: 32, batch_size_prompts: 2}}
            datasets: {q: \(folder)/toyworld/corpus/heldout.jsonl}
            output: runs/none
            artifacts: \(NSTemporaryDirectory())
            """
        let source = ConfigurationSource(path: try file.write(text, to: "config.yaml"))
        #expect(throws: RunError.self) {
            _ = try source.configuration(catalogue: evaluationCatalogue)
        }
        let configuration = try source.configuration(
            catalogue: evaluationCatalogue, needsAutoencoders: false)
        return try Planner(
            configuration, catalogue: evaluationCatalogue,
            own: OwnAutoencoders(own, on: backend)
        ).plan()
    }

    @Test("They are planned like those on disk, under keys of their function")
    func keys() throws {
        let right = try plan([Own(.right)])
        #expect(right.cohorts.flatMap { $0.cohort.subjects.map(\.name) } == ["custom_sae/mine"])
        #expect(try plan([Own(.right)]).key == right.key)
        for way in [Own.Way.otherFunction, .otherWeights] {
            #expect(try plan([Own(way)]).key != right.key)
        }
    }

    @Test("One that does not fit the model fails alone")
    func wrongHook() throws {
        let both = try plan([
            Own(.right), Own(.right, id: "late", hook: "blocks.9.hook_resid_post"),
        ])
        #expect(both.itemCount == 1)
        #expect(both.failedItems.map(\.name) == ["custom_sae/late"])
    }
}

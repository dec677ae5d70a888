import Basics
import EmulatedGPU
import Formats
import Kernels
import Tensors
import Testing

@testable import LanguageModels

@Suite("Architectures")
struct ArchitecturesTests {
    /// Rounding of another order of summation, as a share of the largest value.
    static let tolerance: Float = 2e-5

    @Test(
        "Every hook and the logits are those of transformers", arguments: fixtureNames,
        TestBackend.allCases)
    func matchesTransformers(name: String, backend: TestBackend) throws {
        let fixture = try Fixture(name, backend)
        let tolerance = try max(Self.tolerance, fixture.rounding)
        let result = try fixture.model.run(fixture.pass(captures: Set(fixture.hooks)))
        for hook in fixture.expectedHooks {
            let expected = try fixture.expected.tensor(hook.description)
            let captured = try #require(result.captured[hook])
            #expect(captured.shape == expected.shape)
            #expect(difference(captured, expected) <= tolerance * expected.largest, "\(hook)")
        }
        let expected = try fixture.expected.tensor("logits")
        let logits = try #require(result.logits)
        #expect(logits.shape == expected.shape)
        #expect(difference(logits, expected) <= tolerance * expected.largest)
    }

    @Test(
        "With the same weights in float32 a GPU gives what the processor gives",
        .enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)),
        arguments: fixtureNames)
    func widened(name: String) throws {
        let fixture = try Fixture(name)
        let config = try JSON(file: "\(fixtures)/\(name)/config.json")
        let tensors = WidenedTensors(try SafetensorsFolder(path: "\(fixtures)/\(name)"))
        let results = try [TestBackend.cpu, .emulatedGPU].map { backend in
            try loadLanguageModel(config: config, tensors: tensors, backend: backend.backend)
                .run(fixture.pass(captures: Set(fixture.hooks)))
        }
        for hook in fixture.hooks {
            let expected = try #require(results[0].captured[hook])
            let captured = try #require(results[1].captured[hook])
            #expect(difference(captured, expected) <= Self.tolerance * expected.largest, "\(hook)")
        }
        let (expected, logits) = try (
            #require(results[0].logits), #require(results[1].logits)
        )
        #expect(difference(logits, expected) <= Self.tolerance * expected.largest)
    }

    @Test("Every site is stored or repeats one that is", arguments: fixtureNames)
    func sitesAreCovered(name: String) throws {
        let fixture = try Fixture(name)
        let captured = try fixture.model.run(fixture.pass(captures: Set(fixture.hooks))).captured
        let others = fixture.hooks.filter { !fixture.expectedHooks.contains($0) }
        #expect(Set(others.map(\.site)).isSubset(of: [.embedding, .mlpIn]))
        for hook in others {
            let isParallel = fixture.model.description.missingSites.contains(.residMid)
            let same: HookPoint.Site =
                hook.site == .embedding || isParallel ? .residPre : .residMid
            let stream = captured[HookPoint(layer: hook.layer, site: same)]
            #expect(try #require(captured[hook]).content == stream?.content, "\(hook)")
        }
        for hook in fixture.hooks {
            #expect(captured[hook]?.columns == fixture.model.description.size(at: hook), "\(hook)")
        }
    }

    @Test(
        "The number of parameters that costs rest on is that of the file", arguments: fixtureNames)
    func countsParameters(name: String) throws {
        let folder = "\(fixtures)/\(name)"
        let description = try describeLanguageModel(folder: folder)
        let copy = try ModelCopy(name)
        var total = 0
        try copy.rewrite { name, tensor in
            total += tensor.count
            return (name, tensor)
        }
        let finalNorm =
            description.modelSize
            * (["gpt2", "gpt_neox"].contains(description.architecture) ? 2 : 1)
        #expect(description.parameters + finalNorm == total)
    }

    @Test("Names are found without the prefix of the hub", arguments: fixtureNames)
    func bareNames(name: String) throws {
        let copy = try ModelCopy(name)
        try copy.rewrite { name, tensor in
            let prefix = ["gpt_neox.", "transformer.", "model."].first { name.hasPrefix($0) } ?? ""
            return (String(name.dropFirst(prefix.count)), tensor)
        }
        let fixture = try Fixture(name)
        let logits = try #require(try copy.load().run(fixture.pass()).logits)
        #expect(try logits.content == fixture.logits().content)
    }

    @Test("Matrices stay mapped in their stored type")
    func mapped() throws {
        let weights = try ModelWeights(from: .folder("\(fixtures)/llama"), prefixes: ["model."])
        let first = try weights.matrix("layers.0.mlp.up_proj.weight", shape: [40, 24])
        let second = try weights.matrix("layers.0.mlp.up_proj.weight", shape: [40, 24])
        #expect(first.type == .bfloat16)
        #expect(first.bytes == second.bytes)
    }

    @Test("A fused map splits by heads and by thirds")
    func split() throws {
        let fused = Tensor((0..<24).map { Float($0) }, shape: [2, 12])
        let byHead = try ReferenceBackend().splitFused(fused, groups: 2)  // width 2
        #expect(byHead[0].values == [0, 1, 6, 7, 12, 13, 18, 19])
        #expect(byHead[1].values == [2, 3, 8, 9, 14, 15, 20, 21])
        let byThird = try ReferenceBackend().splitFused(fused, groups: 1)  // width 4
        #expect(byThird[2].values == [8, 9, 10, 11, 20, 21, 22, 23])
    }
}

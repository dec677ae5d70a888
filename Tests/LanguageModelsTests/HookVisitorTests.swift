import Basics
import Kernels
import Tensors
import Testing

@testable import LanguageModels

@Suite("Interventions")
struct HookVisitorTests {
    @Test("Returning what came in changes nothing", arguments: fixtureNames)
    func identity(name: String) throws {
        let fixture = try Fixture(name)
        let none = Dictionary(
            uniqueKeysWithValues: fixture.hooks.filter { $0.site != .mlpNormalized }.map {
                ($0, [{ (x: HookedActivation) throws -> Tensor in x.values }])
            })
        let result = try fixture.model.run(fixture.pass(interventions: none))
        #expect(try #require(result.logits).content == fixture.logits().content)
    }

    @Test(
        "A replacement before the weights of a norm is rounded there and changes no more",
        arguments: fixtureNames)
    func normalizedIdentity(name: String) throws {
        let fixture = try Fixture(name)
        let none = Dictionary(
            uniqueKeysWithValues: fixture.hooks.filter { $0.site == .mlpNormalized }.map {
                ($0, [{ (x: HookedActivation) throws -> Tensor in x.values }])
            })
        let logits = try #require(try fixture.model.run(fixture.pass(interventions: none)).logits)
        let clean = try fixture.logits()
        #expect(difference(logits, clean) <= 1e-5 * clean.largest)
    }

    @Test("What the MLP reads can be replaced without the residual stream", arguments: fixtureNames)
    func mlpInput(name: String) throws {
        let fixture = try Fixture(name)
        let (added, leaving) = try replaced(fixture, .mlpIn) { $0.mapped { 3 * $0 + 1 } }
        let (clean, cleanLeaving) = try replaced(fixture, .mlpIn) { $0 }
        let (none, stream) = try replaced(fixture, .mlpOut) { Tensor(zeros: $0.shape) }
        #expect(none.largest == 0 && added.content != clean.content)
        for (output, whole) in [(added, leaving), (clean, cleanLeaving)] {
            let sum = Tensor(zip(stream.values, output.values).map { $0 + $1 }, shape: stream.shape)
            #expect(difference(sum, whole) <= 1e-5 * whole.largest)
        }
    }

    /// What the MLP of block 1 adds and what leaves the block, with one site of it replaced.
    private func replaced(
        _ fixture: Fixture, _ site: HookPoint.Site, _ change: @escaping (Tensor) throws -> Tensor
    ) throws -> (mlp: Tensor, leaving: Tensor) {
        let point = { HookPoint(layer: 1, site: $0) }
        let captured = try fixture.model.run(
            fixture.pass(
                to: .lastCapture, captures: [point(.mlpOut), point(.residPost)],
                interventions: [point(site): [{ try change($0.values) }]])
        ).captured
        return (
            try #require(captured[point(.mlpOut)]), try #require(captured[point(.residPost)])
        )
    }

    @Test("Heads set to zero leave the bias of the output map", arguments: fixtureNames)
    func zeroHeads(name: String) throws {
        let fixture = try Fixture(name)
        let point = { HookPoint(layer: 0, site: $0) }
        let result = try fixture.model.run(
            fixture.pass(
                to: .lastCapture, captures: [point(.attnOut)],
                interventions: [point(.headOutputs): [{ Tensor(zeros: $0.values.shape) }]]))
        let output = try #require(result.captured[point(.attnOut)])
        let first = output.rows(0..<1)
        for row in 0..<output.rows {
            #expect(output.rows(row..<row + 1).content == first.content)
        }
        let biased = ["neox", "gpt2", "llama-biased", "qwen3", "olmo2-grouped"]
        #expect((first.largest > 0) == biased.contains(name))
    }

    @Test("A replacement changes what comes after and nothing before", arguments: fixtureNames)
    func replacement(name: String) throws {
        let fixture = try Fixture(name)
        let clean = try fixture.model.run(fixture.pass(captures: Set(fixture.hooks)))
        let attention: [HookPoint.Site] = [.headOutputs, .attnOut]
        for hook in fixture.hooks {
            let changed = try fixture.model.run(
                fixture.pass(
                    captures: Set(fixture.hooks),
                    interventions: [hook: [{ $0.values.mapped { $0.magnitude + 1 } }]]))
            for other in fixture.hooks where other != hook {
                let captured = try #require(changed.captured[other]).content
                let isSame = captured == clean.captured[other]?.content
                let isApart =
                    name == "neox" && attention.contains(hook.site)
                    && [.mlpIn, .mlpNormalized, .mlpOut].contains(other.site)
                    && hook.layer == other.layer
                #expect(isSame == (other < hook || isApart), "\(other) after \(hook)")
            }
            let logits = try #require(clean.logits).content
            #expect(try #require(changed.logits).content != logits, "\(hook)")
        }
    }

    @Test("A replaced residual stream is the same as starting from it", arguments: fixtureNames)
    func replacedResidual(name: String) throws {
        let fixture = try Fixture(name)
        let stand = Tensor(
            (0..<24 * fixture.model.description.modelSize).map { Float($0 % 7) - 3 },
            shape: [24, fixture.model.description.modelSize])
        for hook in fixture.hooks where hook.isStream {
            let replaced = try fixture.model.run(
                fixture.pass(interventions: [hook: [{ _ in stand }]]))
            let suffix = try fixture.model.run(
                fixture.pass(from: stand, beforeBlock: hook.firstBlockAfter))
            let logits = try #require(suffix.logits).content
            #expect(replaced.logits?.content == logits, "\(hook)")
        }
    }

    @Test(
        "Attention and MLP set to zero leave the residual stream as it was",
        arguments: sequentialNames)
    func zeroAblation(name: String) throws {
        let fixture = try Fixture(name)
        let point = { HookPoint(layer: 1, site: $0) }
        let zero: Intervention = { Tensor(zeros: $0.values.shape) }
        let result = try fixture.model.run(
            fixture.pass(
                to: .lastCapture,
                captures: [point(.residPre), point(.residMid), point(.residPost)],
                interventions: [point(.attnOut): [zero], point(.mlpOut): [zero]]))
        let before = try #require(result.captured[point(.residPre)]).values
        #expect(result.captured[point(.residMid)]?.values == before)
        #expect(result.captured[point(.residPost)]?.values == before)
    }

    @Test("Several interventions at one hook run in order, and a capture comes after them")
    func order() throws {
        let fixture = try Fixture("gpt2")
        let hook = HookPoint(layer: 0, site: .attnOut)
        let result = try fixture.model.run(
            fixture.pass(
                to: .lastCapture, captures: [hook],
                interventions: [
                    hook: [
                        { $0.values.mapped { _ in 2 } }, { $0.values.mapped { $0 * 3 } },
                        { $0.values.mapped { $0 + 1 } },
                    ]
                ]))
        #expect(result.captured[hook]?.values.allSatisfy { $0 == 7 } == true)
    }

    @Test("An intervention sees sizes and tokens, or no tokens in a pass from a residual stream")
    func tokens() throws {
        let fixture = try Fixture("llama")
        let tokens = try fixture.tokens
        let hook = HookPoint(layer: 1, site: .residPre)
        var seen: [HookedActivation] = []
        let intervention: Intervention = { activation in
            seen.append(activation)
            return activation.values
        }
        _ = try fixture.model.run(fixture.pass(interventions: [hook: [intervention]]))
        var suffix = fixture.pass(from: Tensor(zeros: [24, 24]), beforeBlock: 1)
        suffix.interventions = [hook: [intervention]]
        _ = try fixture.model.run(suffix)
        #expect(seen.map(\.tokens) == [tokens, nil])
        for activation in seen {
            #expect(activation.batch == 2 && activation.positions == 12)
            #expect(activation.values.shape == [24, 24])
            #expect(activation.position(of: 0) == 0 && activation.position(of: 23) == 11)
        }
    }

    @Test("A tensor that an intervention returns is not written to", arguments: fixtureNames)
    func returnedTensorStays(name: String) throws {
        let fixture = try Fixture(name)
        for hook in fixture.hooks {
            let stand = Tensor(zeros: [24, fixture.model.description.size(at: hook)])
            _ = try fixture.model.run(
                fixture.pass(captures: [hook], interventions: [hook: [{ _ in stand }]]))
            #expect(stand.largest == 0, "\(hook)")
        }
    }
}

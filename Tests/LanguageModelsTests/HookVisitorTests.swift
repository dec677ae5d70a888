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
            uniqueKeysWithValues: fixture.hooks.map {
                ($0, [{ (x: Tensor) throws -> Tensor in x }])
            })
        let result = try fixture.model.run(fixture.pass(interventions: none))
        #expect(try #require(result.logits).content == fixture.logits().content)
    }

    @Test("A replacement changes what comes after and nothing before", arguments: fixtureNames)
    func replacement(name: String) throws {
        let fixture = try Fixture(name)
        let clean = try fixture.model.run(fixture.pass(captures: Set(fixture.hooks)))
        for hook in fixture.hooks {
            let changed = try fixture.model.run(
                fixture.pass(
                    captures: Set(fixture.hooks),
                    interventions: [hook: [{ $0.mapped { $0.magnitude + 1 } }]]))
            for other in fixture.hooks where other != hook {
                let isSame = changed.captured[other]?.content == clean.captured[other]?.content
                let isParallel =
                    name == "neox" && hook.site == .attnOut && other.site == .mlpOut
                    && hook.layer == other.layer
                #expect(isSame == (other < hook || isParallel), "\(other) after \(hook)")
            }
            #expect(changed.logits?.content != clean.logits?.content, "\(hook)")
        }
    }

    @Test("A replaced residual stream is the same as starting from it", arguments: fixtureNames)
    func replacedResidual(name: String) throws {
        let fixture = try Fixture(name)
        let stand = Tensor(
            (0..<24 * fixture.model.description.modelSize).map { Float($0 % 7) - 3 },
            shape: [24, fixture.model.description.modelSize])
        for hook in fixture.hooks where hook.site == .residPost || hook.site == .residPre {
            let replaced = try fixture.model.run(
                fixture.pass(interventions: [hook: [{ _ in stand }]]))
            let suffix = try fixture.model.run(
                fixture.pass(from: stand, beforeBlock: hook.firstBlockAfter))
            #expect(replaced.logits?.content == suffix.logits?.content, "\(hook)")
        }
    }

    @Test(
        "Attention and MLP set to zero leave the residual stream as it was",
        arguments: sequentialNames)
    func zeroAblation(name: String) throws {
        let fixture = try Fixture(name)
        let point = { HookPoint(layer: 1, site: $0) }
        let zero: (Tensor) throws -> Tensor = { Tensor(zeros: $0.shape) }
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
                        { $0.mapped { _ in 2 } }, { $0.mapped { $0 * 3 } },
                        { $0.mapped { $0 + 1 } },
                    ]
                ]))
        #expect(result.captured[hook]?.values.allSatisfy { $0 == 7 } == true)
    }

    @Test("A tensor that an intervention returns is not written to", arguments: fixtureNames)
    func returnedTensorStays(name: String) throws {
        let fixture = try Fixture(name)
        for hook in fixture.hooks {
            let stand = Tensor(zeros: [24, fixture.model.description.modelSize])
            _ = try fixture.model.run(
                fixture.pass(captures: [hook], interventions: [hook: [{ _ in stand }]]))
            #expect(stand.largest == 0, "\(hook)")
        }
    }
}

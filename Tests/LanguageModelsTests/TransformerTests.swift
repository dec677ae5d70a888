import Basics
import Kernels
import Tensors
import Testing

@testable import LanguageModels

/// An error that shows that something ran.
private struct Ran: Error {}

@Suite("Passes")
struct TransformerTests {
    @Test("A prefix and a suffix make the whole pass bit for bit", arguments: fixtureNames)
    func prefixAndSuffix(name: String) throws {
        let fixture = try Fixture(name)
        let whole = try fixture.logits()
        for hook in fixture.hooks where hook.isStream {
            let prefix = try fixture.model.run(fixture.pass(to: .lastCapture, captures: [hook]))
            #expect(prefix.logits == nil)
            let residual = try #require(prefix.captured[hook])
            let suffix = fixture.pass(from: residual, beforeBlock: hook.firstBlockAfter)
            let logits = try #require(try fixture.model.run(suffix).logits)
            #expect(logits.content == whole.content, "\(hook)")
        }
    }

    @Test("Unembedding alone works row by row")
    func unembedding() throws {
        let fixture = try Fixture("llama")
        let last = HookPoint(layer: 1, site: .residPost)
        let result = try fixture.model.run(fixture.pass(captures: [last]))
        let rows = try #require(result.captured[last]).rows(20..<24)
        let pass = ForwardPass(
            start: .residual(rows, beforeBlock: 2), end: .logits, batch: 1, positions: 4)
        let logits = try #require(try fixture.model.run(pass).logits)
        #expect(try logits.content == #require(result.logits).rows(20..<24).content)
    }

    @Test(
        "Captures do not change what is computed, nor are they overwritten", arguments: fixtureNames
    )
    func capturesAreInert(name: String) throws {
        let fixture = try Fixture(name)
        let all = try fixture.model.run(fixture.pass(captures: Set(fixture.hooks)))
        #expect(try #require(all.logits).content == fixture.logits().content)
        for hook in fixture.hooks {
            let alone = try fixture.model.run(fixture.pass(to: .lastCapture, captures: [hook]))
            let captured = try #require(alone.captured[hook]).content
            #expect(captured == all.captured[hook]?.content, "\(hook)")
            #expect(alone.captured.count == 1)
        }
    }

    @Test("The residual stream adds up", arguments: fixtureNames)
    func sums(name: String) throws {
        let fixture = try Fixture(name)
        let all = try fixture.model.run(fixture.pass(captures: Set(fixture.hooks))).captured
        for layer in 0..<fixture.model.description.layers {
            let value = { (site: HookPoint.Site) in
                try #require(all[HookPoint(layer: layer, site: site)]).values
            }
            let sum = try zip(zip(value(.residPre), value(.attnOut)), value(.mlpOut))
                .map { $0.0 + $0.1 + $1 }
            #expect(try sum == value(.residPost))
        }
    }

    @Test(
        "A pass stops at the last capture, inside a block too", arguments: HookPoint.Site.allCases)
    func stops(site: HookPoint.Site) throws {
        let fixture = try Fixture("llama")
        let hook = HookPoint(layer: 0, site: site)
        let later = fixture.hooks.filter { hook < $0 }
        let bombs = Dictionary(
            uniqueKeysWithValues: later.map {
                ($0, [{ (_: HookedActivation) throws -> Tensor in throw Ran() }])
            })
        let result = try fixture.model.run(
            fixture.pass(to: .lastCapture, captures: [hook], interventions: bombs))
        #expect(result.captured[hook] != nil)
        #expect(throws: Ran.self) {
            try fixture.model.run(fixture.pass(captures: [hook], interventions: bombs))
        }
    }

    @Test("A pass that wants nothing computes nothing")
    func wantsNothing() throws {
        let fixture = try Fixture("llama")
        let result = try fixture.model.run(fixture.pass(to: .lastCapture))
        #expect(result.captured.isEmpty && result.logits == nil)
    }

    @Test("Rows do not depend on the rows beside them", arguments: fixtureNames)
    func rowsAreIndependent(name: String) throws {
        let fixture = try Fixture(name)
        let both = try fixture.logits()
        for row in 0..<2 {
            let tokens = Array(try fixture.tokens[row * 12..<(row + 1) * 12])
            let pass = ForwardPass(start: .tokens(tokens), end: .logits, batch: 1, positions: 12)
            let alone = try #require(try fixture.model.run(pass).logits)
            #expect(alone.content == both.rows(row * 12..<(row + 1) * 12).content)
        }
    }

    @Test("Attention is causal: a prefix of a row has the same values", arguments: fixtureNames)
    func causal(name: String) throws {
        let fixture = try Fixture(name)
        let whole = try fixture.logits()
        let pass = ForwardPass(
            start: .tokens(Array(try fixture.tokens[..<7])), end: .logits, batch: 1, positions: 7)
        let short = try #require(try fixture.model.run(pass).logits)
        #expect(short.content == whole.rows(0..<7).content)
    }

    @Test("Many threads share a model")
    func threads() async throws {
        let fixture = try Fixture("gemma2")
        let (model, tokens) = (fixture.model, try fixture.tokens)
        let contents = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
            for task in 0..<8 {
                group.addTask {
                    let positions = [3, 12, 5, 8][task % 4]
                    let pass = ForwardPass(
                        start: .tokens(Array(tokens[..<positions])), end: .logits, batch: 1,
                        positions: positions)
                    return (positions, try model.run(pass).logits?.content ?? [])
                }
            }
            return try await group.reduce(into: [Int: Set<[UInt8]>]()) {
                $0[$1.0, default: []].insert($1.1)
            }
        }
        #expect(contents.count == 4)
        #expect(contents.values.allSatisfy { $0.count == 1 })
    }

    @Test("No rows are no error", arguments: fixtureNames)
    func empty(name: String) throws {
        let model = try Fixture(name).model
        let pass = ForwardPass(start: .tokens([]), end: .logits, batch: 0, positions: 5)
        #expect(try model.run(pass).logits?.shape == [0, 64])
    }
}

@Suite("Errors of passes")
struct PassErrorTests {
    /// Runs a pass that must fail and returns its error.
    private func error(_ name: String, _ pass: (Fixture) throws -> ForwardPass) throws
        -> LanguageModelError
    {
        let fixture = try Fixture(name)
        let pass = try pass(fixture)
        return try #require(throws: LanguageModelError.self) { try fixture.model.run(pass) }
    }

    @Test("A layer beyond the model is named", arguments: [2, -1, 99])
    func layerBeyond(layer: Int) throws {
        let failure = try error("llama") {
            try $0.pass(captures: [HookPoint(layer: layer, site: .residPost)])
        }
        #expect(failure.code == .layerOutOfRange)
        #expect(failure.description.contains("blocks.\(layer).hook_resid_post"))
        #expect(failure.description.contains("0 to 1"))
    }

    @Test("A parallel block has no middle")
    func noMiddle() throws {
        let failure = try error("neox") {
            try $0.pass(interventions: [HookPoint(layer: 0, site: .residMid): [{ $0.values }]])
        }
        #expect(failure.code == .unknownHook)
        #expect(failure.description.contains("parallel"))
    }

    @Test("A hook before the beginning of the pass is refused")
    func beforeBeginning() throws {
        for (hook, block) in [(HookPoint.Site.residPost, 1), (.embedding, 0)] {
            let failure = try error("llama") {
                $0.pass(
                    from: Tensor(zeros: [24, 24]), beforeBlock: block,
                    captures: [HookPoint(layer: 0, site: hook)])
            }
            #expect(failure.code == .layerOutOfRange)
        }
    }

    @Test("A model with learned positions has no embedding to replace")
    func noEmbedding() throws {
        let failure = try error("gpt2") {
            try $0.pass(captures: [HookPoint(layer: 0, site: .embedding)])
        }
        #expect(failure.code == .unknownHook)
        #expect(failure.description.contains("hook_embed: what enters"))
        #expect(failure.description.contains("one of blocks.0.hook_resid_pre"))
    }

    @Test("A pass cannot begin beyond the last block", arguments: [-1, 3])
    func beginsBeyond(block: Int) throws {
        let failure = try error("llama") {
            $0.pass(from: Tensor(zeros: [24, 24]), beforeBlock: block)
        }
        #expect(failure.code == .layerOutOfRange)
    }

    @Test("A token outside the vocabulary is named with its place", arguments: [64, -1, Int32.max])
    func badToken(token: Int32) throws {
        let failure = try error("gpt2") { fixture in
            var tokens = try fixture.tokens
            tokens[17] = token
            return ForwardPass(start: .tokens(tokens), end: .logits, batch: 2, positions: 12)
        }
        #expect(failure.code == .tokenOutOfRange)
        #expect(failure.description.contains("\(token) at row 1, position 5"))
    }

    @Test("A row longer than the context is refused", arguments: fixtureNames)
    func rowTooLong(name: String) throws {
        let failure = try error(name) { _ in
            ForwardPass(
                start: .tokens([Int32](repeating: 1, count: 33)), end: .logits, batch: 1,
                positions: 33)
        }
        #expect(failure.code == .rowTooLong)
        #expect(failure.description.contains("33") && failure.description.contains("32"))
    }

    @Test("Tokens that are not batch times positions are refused")
    func wrongCount() throws {
        let failure = try error("llama") { _ in
            ForwardPass(start: .tokens([1, 2, 3]), end: .logits, batch: 2, positions: 2)
        }
        #expect(failure.code == .wrongShape)
    }

    @Test(
        "A residual stream of another shape is refused",
        arguments: [[24, 16], [23, 24], [24 * 24]])
    func wrongResidual(shape: [Int]) throws {
        let failure = try error("llama") { $0.pass(from: Tensor(zeros: shape), beforeBlock: 1) }
        #expect(failure.code == .wrongShape)
    }

    @Test("An intervention that returns another shape is refused")
    func wrongIntervention() throws {
        let failure = try error("llama") {
            try $0.pass(interventions: [
                HookPoint(layer: 1, site: .mlpOut): [{ _ in Tensor(zeros: [1, 24]) }]
            ])
        }
        #expect(failure.code == .wrongShape)
        #expect(failure.description.contains("blocks.1.hook_mlp_out"))
    }
}

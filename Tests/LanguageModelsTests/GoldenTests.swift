import Basics
import Formats
import Kernels
import Tensors
import Testing

@testable import LanguageModels

@Suite("Golden values of TransformerLens")
struct GoldenTests {
    @Test(
        "Residual streams, last logits and losses are within 1e-4",
        .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"),
        arguments: ["tiny-neox", "gemma-2-2b-it", "tiny-gpt2"], TestBackend.allCases)
    func golden(name: String, backend: TestBackend) throws {
        let golden = try #require(sharedFolder) + "/golden"
        let expected = try SafetensorsFile(path: "\(golden)/forward/\(name).safetensors")
        let model = try loadLanguageModel(
            folder: "\(golden)/models/\(name)", backend: backend.backend)
        let tokens = try expected.tensor("tokens").tokens
        let hooks = (0..<model.description.layers).map { HookPoint(layer: $0, site: .residPost) }
        let result = try model.run(
            ForwardPass(
                start: .tokens(tokens), end: .logits, batch: 2, positions: 48, captures: Set(hooks))
        )
        for hook in hooks {
            let stream = try expected.tensor("resid_post_\(hook.layer)")
            #expect(difference(try #require(result.captured[hook]), stream) <= 1e-4, "\(hook)")
        }
        let logits = try #require(result.logits)
        for row in 0..<2 {
            let last = try expected.tensor("logits_last4").rows(row..<row + 1)
            #expect(difference(logits.rows(row * 48 + 44..<row * 48 + 48), last) <= 1e-4)
        }
        let losses = try expected.tensor("loss_per_token")
        let own = try nextTokenLosses(of: logits, tokens: tokens, positions: 48)
        #expect(difference(Tensor(own, shape: [own.count]), losses) <= 1e-4)
    }

    @Test(
        "Real models give the norms, logits and losses of transformers",
        .enabled(
            if: realModels != nil && sharedFolder != nil,
            "SAEVAL_REAL_MODELS or SAEVAL_SHARED is not set"),
        arguments: ["smollm2-135m", "gemma-3-270m"], 0..<3)
    func realModel(name: String, prompt: Int) throws {
        let json = try JSON(file: try #require(sharedFolder) + "/golden/real/\(name).json")
        let prompts = try #require(json["prompts"]?.elements)
        try #require(prompt < prompts.count, "fewer prompts than tests")
        let expected = prompts[prompt]
        let tokens = try #require(expected["token_ids"]?.elements).compactMap {
            $0.integer.map(Int32.init)
        }
        let model = try loadLanguageModel(
            folder: try #require(realModels) + "/\(name)", backend: CPUBackend())
        let hooks = (0..<model.description.layers).map { HookPoint(layer: $0, site: .residPost) }
        let result = try model.run(
            ForwardPass(
                start: .tokens(tokens), end: .logits, batch: 1, positions: tokens.count,
                captures: Set(hooks)))
        let norms = try #require(expected["resid_post_norms"]?.elements).compactMap(\.double)
        for (hook, norm) in zip(hooks, norms) {
            let last = try #require(result.captured[hook]).rows(tokens.count - 1..<tokens.count)
            let own = last.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(own - norm) <= 1e-5 * norm, "\(hook)")
        }
        #expect(norms.count == hooks.count)
        let logits = try #require(result.logits)
        let final = logits.rows(tokens.count - 1..<tokens.count)
        for entry in try #require(expected["top5"]?.elements) {
            let token = try #require(entry["id"]?.integer)
            #expect(
                abs(Double(final.value(at: token)) - (try #require(entry["logit"]?.double))) <= 1e-4
            )
        }
        let losses = try nextTokenLosses(of: logits, tokens: tokens, positions: tokens.count)
        let mean = losses.reduce(0) { $0 + Double($1) } / Double(losses.count)
        #expect(abs(mean - (try #require(expected["mean_nll"]?.double))) <= 2e-5)
    }

    /// `-log softmax(logits[i])[token[i + 1]]` of every row.
    private func nextTokenLosses(of logits: Tensor, tokens: [Int32], positions: Int) throws
        -> [Float]
    {
        let sums = try ReferenceBackend().logSumExp(logits)
        return tokens.indices.filter { ($0 + 1) % positions != 0 }.map { index in
            Float(
                sums[index]
                    - Double(logits.value(at: index * logits.columns + Int(tokens[index + 1]))))
        }
    }
}

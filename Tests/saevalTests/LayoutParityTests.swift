import Basics
import Testing

extension ProgramTests {
    /// One autoencoder in several layouts, from files to results.
    @Suite("Parity of layouts")
    struct LayoutParityTests {
        /// The numbers of a result by name, and the count of those of single latents.
        private func numbers(_ json: JSON?, _ name: String = "") -> [String: Double] {
            if let number = json?.double { return [name: number] }
            var found: [String: Double] = [:]
            for member in json?.members ?? [] {
                found.merge(numbers(member.value, "\(name).\(member.key)")) { $1 }
            }
            for (index, element) in (json?.elements ?? []).enumerated() {
                found.merge(numbers(element, "\(name).\(index)")) { $1 }
            }
            return found
        }

        @Test("The toy world's layer 2 gives the same core result in every layout to 1e-6")
        func sameResult() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                [
                    "run", "Tests/Fixtures/configs/core.yaml", "--output", bench.output,
                    "--artifacts",
                    bench.artifacts, "--saes", "configs/quickstart/saes", "--match",
                    "sae_lens/.*\\.2\\..*__(topk|jumprelu)|dictionary_learning/.*|gemma_scope/.*",
                ] + ParityTests.settings(2, 4))
            #expect(ending.status == 0, "\(ending)")
            let folder = "\(bench.output)/eval_results/core"
            let lens = "sae_lens_toyworld-res_blocks.2.hook_resid_post__"
            let pairs = [
                ("\(lens)topk", "dictionary_learning_resid_post_layer_2_trainer_0"),
                ("\(lens)jumprelu", "gemma_scope_layer_2_width_1k_average_l0_16"),
            ]
            #expect(bench.files(below: folder).count == 4, "\(bench.files(below: folder))")
            for (first, second) in pairs {
                let results = try [first, second].map {
                    try JSON(file: "\(folder)/\($0)_eval_results.json")
                }
                for key in ["eval_result_metrics", "eval_result_details"] {
                    let (ours, theirs) = (numbers(results[0][key]), numbers(results[1][key]))
                    #expect(ours.count > 20 && ours.count == theirs.count)
                    // The JumpReLU's `b_dec · W_enc` is in the encoder's bias of Gemma Scope.
                    for (name, value) in ours
                    where !second.hasPrefix("gemma") || !name.hasSuffix("encoder_bias") {
                        let other = try #require(theirs[name])
                        #expect(
                            abs(value - other) <= 1e-6 * max(1, abs(value)) || value == other
                                || value.isNaN && other.isNaN,
                            "\(second)\(name): \(other) for \(value)")
                    }
                }
            }
        }
    }
}

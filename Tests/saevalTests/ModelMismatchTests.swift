import Basics
import Foundation
import Testing

extension ProgramTests {
    /// SAEs that were trained on another model than the one evaluated.
    @Suite("Whose model")
    struct ModelMismatchTests {
        /// A folder with one SAE of the toy world whose configuration names a model.
        private static func folder(_ bench: Workbench, naming model: String) throws -> String {
            let source =
                "configs/quickstart/saes/sae_lens/toyworld-res/blocks.1.hook_resid_post__topk"
            let path = try bench.copy(source, to: "saes/one")
            let text = String(decoding: try readFile("\(path)/cfg.json"), as: UTF8.self)
            let renamed = text.replacing("\"toyworld\"", with: "\"\(model)\"")
            try #require(renamed != text)
            try bench.write("saes/one/cfg.json", renamed)
            return bench.file("saes")
        }

        @Test("Another model is refused before the run, which names both and the way out")
        func refused() throws {
            let bench = try Workbench()
            let saes = try Self.folder(bench, naming: "gpt2-small")
            for command in ["plan", "check", "run"] {
                let ending = try bench.saeval(bench.tiny(command: command, saes: saes))
                #expect(ending.status == 64, "\(ending)")
                for part in [
                    "gpt2-small", "configs/quickstart/model", "--allow-model-mismatch",
                ] {
                    #expect(ending.errors.contains(part), "\(ending)")
                }
            }
        }

        @Test("--allow-model-mismatch evaluates it, and the result names both models")
        func allowed() throws {
            let bench = try Workbench()
            let saes = try Self.folder(bench, naming: "gpt2-small")
            let ending = try bench.saeval(bench.tiny(["--allow-model-mismatch"], saes: saes))
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains("trained on `gpt2-small`"), "\(ending)")
            let file = try #require(
                bench.files(below: bench.output).first { $0.hasSuffix("_eval_results.json") })
            let result = try JSON(file: "\(bench.output)/\(file)")
            #expect(result["eval_config"]?["model_name"]?.text == "model")
            let metadata = result["sae_cfg_dict"]?["metadata"]
            #expect(metadata?["model_name"]?.text == "gpt2-small")
            let notes = result["eval_result_unstructured"]?["saeval"]?["notes"]?.elements
            #expect(notes?.contains { $0.text?.contains("another model") == true } == true)
        }
    }
}

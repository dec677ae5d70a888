import Basics
import Foundation
import Testing

extension ProgramTests {
    /// Models whose tokenizers name no BOS.
    @Suite("No beginning")
    struct BeginningTests {
        @Test("A tokenizer that names no BOS is told by check, run and result")
        func told() throws {
            let bench = try Workbench()
            let model = try bench.copy("configs/quickstart/model", to: "model")
            let sentence = "The tokenizer names no BOS, so rows begin with its EOS, token 0"
            try bench.write(
                "model/tokenizer_config.json",
                #"{"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}"#)
            let check = try bench.saeval(
                bench.tiny(["--model", model], command: "check"))
            #expect(check.status == 0 && check.errors.contains(sentence), "\(check)")
            let run = try bench.saeval(bench.tiny(["--model", model]))
            #expect(run.status == 0 && run.errors.contains(sentence), "\(run)")
            let file = try #require(
                bench.files(below: bench.output).first { $0.hasSuffix("_eval_results.json") })
            let result = try JSON(file: "\(bench.output)/\(file)")
            let notes = result["eval_result_unstructured"]?["saeval"]?["notes"]?.elements ?? []
            #expect(notes.contains { $0.text == sentence }, "\(notes)")
        }

        @Test("A tokenizer that names a BOS has no such note")
        func untold() throws {
            let bench = try Workbench()
            let check = try bench.saeval(bench.tiny(command: "check"))
            #expect(check.status == 0 && !check.errors.contains("BOS"), "\(check)")
        }
    }
}

import Basics
import Testing

extension ProgramTests {
    /// Models, datasets and folders that cannot be read or written.
    @Suite("Wrong files")
    struct WrongFileTests {
        static let models = [
            Mistake(
                "a model without weights", says: ["{}/model", "model.safetensors", "safetensors"]
            ) {
                $0.tiny(["--model", try $0.model(without: "model.safetensors")])
            },
            Mistake(
                "a model without config.json",
                says: ["{}/model/config.json", "config.json and model.safetensors"]
            ) {
                $0.tiny(["--model", try $0.model(without: "config.json")])
            },
            Mistake("a model without tokenizer", says: ["{}/model", "tokenizer.json"]) {
                $0.tiny(["--model", try $0.model(without: "tokenizer.json")])
            },
            Mistake(
                "a truncated model",
                says: ["{}/model/model.safetensors", "94248 bytes", "download"]
            ) { bench in
                let folder = try bench.model(without: "model.safetensors")
                try bench.copy(
                    "configs/quickstart/model/model.safetensors", to: "model/model.safetensors")
                try truncateFile(bench.file("model/model.safetensors"), to: 100_000)
                return bench.tiny(["--model", folder])
            },
            Mistake(
                "a header longer than the file",
                says: ["{}/model/model.safetensors", "2147483647 bytes", "has 2", "download"]
            ) { bench in
                let folder = try bench.model(without: "model.safetensors")
                try bench.write(
                    "model/model.safetensors", [0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0, 0x7B, 0x7D])
                return bench.tiny(["--model", folder])
            },
            Mistake(
                "a config.json that is no JSON", says: ["{}/model/config.json", "not valid JSON"]
            ) { bench in
                let folder = try bench.model(without: "config.json")
                try bench.write("model/config.json", "{\"model_type\": ")
                return bench.tiny(["--model", folder])
            },
            Mistake(
                "an unknown kind of model", says: ["{}/model/config.json", "mamba", "gpt_neox"]
            ) { bench in
                let folder = try bench.model(without: "config.json")
                try bench.write("model/config.json", "{\"model_type\": \"mamba\"}")
                return bench.tiny(["--model", folder])
            },
            Mistake(
                "a model path that is a file", says: ["{}/file is not a folder", "config.json"]
            ) {
                $0.tiny(["--model", try $0.write("file", "x")])
            },
            Mistake(
                "a model that is nowhere",
                says: [
                    "`no/such`", "`saeval fetch Tests/Fixtures/configs/core.yaml --model no/such",
                ]
            ) {
                $0.tiny(["--model", "no/such"])
            },
        ]

        static let datasets = [
            Mistake(
                "a dataset without a file", flags: ["--set", "core.dataset=nix"],
                says: ["`nix`", "datasets: {nix: PATH}", "quickstart/corpus"]),
            Mistake(
                "a dataset whose file is missing",
                says: ["`quickstart/corpus`", "{}/no.jsonl", "datasets:"]
            ) {
                $0.tiny(["--datasets", "quickstart/corpus=\($0.file("no.jsonl"))"])
            },
            Mistake(
                "a line that is not UTF-8",
                dataset: Array("{\"text\": \"a\"}\n{\"text\": \"".utf8) + [0xC3, 0x28]
                    + Array("\"}\n".utf8),
                says: ["line 2", "not UTF-8", "iconv"]),
            Mistake(
                "a line that is not JSON",
                dataset: Array("{\"text\": \"a\"}\n\n{\"text\": \n".utf8),
                says: ["line 3", "not valid JSON"]),
            Mistake("an empty dataset", dataset: [], says: ["is empty", "one JSON object a line"]),
            Mistake(
                "a dataset too short for a row", dataset: Array("{\"text\": \"a b\"}\n".utf8),
                says: ["too short for one row of 16 tokens", "smaller context_size"]),
            Mistake(
                "a dataset without a text", dataset: Array("{\"words\": \"a\"}\n".utf8),
                says: ["words", "column `text`"]),
            Mistake(
                "a text that is a number", dataset: Array("{\"text\": 3}\n".utf8),
                says: ["line 1", "not a text", "correct"]),
            Mistake(
                "ids that the model lacks",
                dataset: Array(
                    String(
                        repeating:
                            "{\"tokens\": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 4096]}\n",
                        count: 4
                    )
                    .utf8),
                says: ["4096", "configs/quickstart/model has tokens 0 to 4095", "tokenizer"]),
        ]

        static let places = [
            Mistake("a file where the output's parent should be", says: ["{}/file", "is a file"]) {
                $0.tiny(["--output", try $0.write("file", "x") + "/run"])
            },
            Mistake("a file where the output should be", says: ["{}/file", "is a file"]) {
                $0.tiny(["--output", try $0.write("file", "x")])
            },
            Mistake(
                "an output where no folder can be", flags: ["--output", "/proc/x/run"],
                says: ["/proc/x", "write to"]),
            Mistake(
                "an output of a name that is too long",
                flags: ["--output", "runs/" + String(repeating: "long", count: 64)],
                says: ["longlong", "255 bytes"]),
            Mistake("a file where artifacts should be", says: ["{}/file", "is a file"]) {
                $0.tiny(["--artifacts", try $0.write("file", "x")])
            },
            Mistake(
                "artifacts where no folder can be", flags: ["--artifacts", "/proc/x"],
                says: ["/proc/x"]),
            Mistake(
                "activations that the disk cannot hold",
                flags: [
                    "--set", "core.batch_size_prompts=1000000", "--set",
                    "core.n_eval_sparsity_variance_batches=5000", "--activations", "store",
                ], says: ["TiB", "{}/artifacts", "fewer batches"]),
            Mistake(
                "sizes whose product overflows",
                flags: [
                    "--set", "core.batch_size_prompts=100000000", "--set",
                    "core.n_eval_sparsity_variance_batches=100000000", "--set",
                    "core.context_size=512",
                ], says: ["10000000100000000 rows", "at most 100000000000 tokens"]),
            Mistake(
                "memory too small for the plan", flags: ["--memory-gib", "0.01"],
                says: ["10.2 MiB", "needs at least", "each of 1 ranks", "memory_gib"]),
        ]

        @Test(
            "One sentence names file, value and remedy, and nothing is half-written",
            arguments: models + datasets + places)
        func mistake(_ mistake: Mistake) throws { try mistake.check() }

        @Test("Under mpirun all ranks end", arguments: [models[0], datasets[2], places[8]])
        func onRanks(_ mistake: Mistake) throws {
            var mistake = mistake
            mistake.says = mistake.says.filter { !$0.contains("each of 1") }
            try mistake.check(ranks: 3)
        }

        @Test("A dataset that is mended is enough to go on with the same folder")
        func mended() throws {
            let bench = try Workbench()
            let path = try bench.write("text.jsonl", "{\"text\": \n")
            let arguments = bench.tiny(["--datasets", "quickstart/corpus=\(path)"])
            #expect(try bench.saeval(arguments).status == 64)
            try bench.remove("text.jsonl")
            try bench.copy("configs/quickstart/toyworld/corpus/heldout.jsonl", to: "text.jsonl")
            let ending = try bench.saeval(arguments)
            #expect(ending.status == 0, "\(ending)")
        }
    }
}

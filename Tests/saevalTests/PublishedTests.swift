import Basics
import Foundation
import Testing

/// A hub cache with some autoencoders of the quickstart under names of the directory.
private struct PublishedHub {
    /// The folder of the cache.
    let folder: String
    /// What programs are told of it.
    var variables: [String: String] { ["HF_HUB_CACHE": folder] }
    /// The bench that it is in.
    private let bench: Workbench

    /// The release that the tests select from, and its repository.
    static let release = "pythia-70m-deduped-res-sm"
    private static let repository = "models--ctigges--pythia-70m-deduped__res-sm_processed"

    /// Makes a cache with entries for some layers.
    init(_ bench: Workbench, layers: [Int]) throws {
        self.bench = bench
        folder = bench.file("hub")
        try bench.write("hub/\(Self.repository)/refs/main", "0123abc")
        for layer in layers {
            let name = "blocks.\(layer).hook_resid_post"
            try bench.copy(
                "configs/quickstart/saes/sae_lens/toyworld-res/\(name)__topk",
                to: "hub/\(Self.repository)/snapshots/0123abc/\(layer)-res-sm")
        }
    }

    /// The arguments of a run as small as they get, without autoencoders; those of the directory
    /// were trained on other models.
    func tiny(_ more: [String], command: String = "run") throws -> [String] {
        let all = bench.tiny(command: command)
        let saes = try #require(all.firstIndex(of: "--saes"))
        return Array(all[..<saes] + all[(saes + 2)...]) + ["--allow-model-mismatch"] + more
    }
}

extension ProgramTests {
    /// Autoencoders that are selected from the directory of published ones.
    @Suite("Published autoencoders")
    struct PublishedTests {
        @Test("ls saes lists what SAE Bench selects, with layer, width, hook and what is there")
        func list() throws {
            let bench = try Workbench()
            let hub = try PublishedHub(bench, layers: [1])
            let arguments = ["gemma-scope-2b-pt-res.*", "layer_(5|12|19)/width_16k/.*"]
            let listing = try bench.saeval(
                ["ls", "saes", "--release", arguments[0], "--id", arguments[1]],
                variables: hub.variables)
            #expect(listing.status == 0, "\(listing)")
            let lines = listing.output.split(separator: "\n")
            #expect(lines.count == 2 + 18, "\(listing)")
            #expect(listing.errors.contains("18 in the directory"), "\(listing)")
            let cells = (lines.last ?? "").split(separator: " ").map(String.init)
            #expect(
                cells == [
                    "gemma-scope-2b-pt-res-canonical", "layer_19/width_16k/canonical", "19",
                    "16384", "blocks.19.hook_resid_post", "not", "downloaded",
                ])
            let spelled = try bench.saeval(
                ["ls", "saes", "--sae_regex_pattern", arguments[0], "--sae-block-pattern"]
                    + arguments.suffix(1), variables: hub.variables)
            #expect(spelled.status == 0, "\(spelled)")
            #expect(spelled.output == listing.output)
        }

        @Test("ls saes shows the size of what is downloaded, and width where its files say it")
        func downloaded() throws {
            let bench = try Workbench()
            let hub = try PublishedHub(bench, layers: [1])
            let listing = try bench.saeval(
                ["ls", "saes", "--release", PublishedHub.release], variables: hub.variables)
            #expect(listing.status == 0, "\(listing)")
            let lines = listing.output.split(separator: "\n")
            let there = lines.filter { !$0.hasSuffix("not downloaded") }.dropFirst(2)
            let cells = there.map { $0.split(separator: " ").map(String.init) }
            #expect(
                cells == [
                    [
                        PublishedHub.release, "blocks.1.hook_resid_post", "1", "1024",
                        "blocks.1.hook_resid_post", "517.3", "KiB",
                    ]
                ], "\(listing)")
            #expect(listing.errors.contains("7 in the directory"), "\(listing)")
            #expect(listing.errors.contains("downloaded: 1)"), "\(listing)")
        }

        @Test("ls saes keeps one model's, named with or without organisation")
        func models() throws {
            let bench = try Workbench()
            let all = try ["gemma-3-270m-it", "google/gemma-3-270m-it"].map {
                try bench.saeval(["ls", "saes", "--model", $0, "--release", ".*-it-res.*"])
            }
            #expect(all.map(\.status) == [0, 0], "\(all)")
            #expect(all[0].output == all[1].output)
            #expect(all[0].output.split(separator: "\n").count == 2 + 72 + 52, "\(all[0])")
        }

        @Test("A run by release and id evaluates what is downloaded, under SAE Bench's file names")
        func run() throws {
            let bench = try Workbench()
            let hub = try PublishedHub(bench, layers: [1, 2, 3])
            let flags = [
                "--sae_regex_pattern", PublishedHub.release, "--sae_block_pattern",
                #"blocks\.[123]\.hook_resid_post"#, "--layers", "1,3",
            ]
            let ending = try bench.saeval(hub.tiny(flags), variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            let names = bench.files(below: bench.output).filter { $0.hasPrefix("eval_results/") }
            let start = "eval_results/core/\(PublishedHub.release)_blocks"
            #expect(
                names == [
                    "\(start).1.hook_resid_post_eval_results.json",
                    "\(start).3.hook_resid_post_eval_results.json",
                ])
            let result = try JSON(file: "\(bench.output)/\(names[0])")
            #expect(result["sae_lens_release_id"]?.text == PublishedHub.release)
            #expect(result["sae_lens_id"]?.text == "blocks.1.hook_resid_post")
            // The same numbers as from the folder itself.
            let direct = try bench.saeval(
                bench.tiny(["--output", bench.file("direct")], command: "run"))
            #expect(direct.status == 0, "\(direct)")
            let other = try JSON(
                file: bench.file(
                    "direct/eval_results/core/toyworld-res_blocks.1.hook_resid_post__topk_eval_results.json"
                ))
            let metrics = try #require(result["eval_result_metrics"]).text()
            #expect(metrics == other["eval_result_metrics"]?.text())
            // The config in the run's folder repeats it.
            try bench.copy(bench.output + "/config.yaml", to: "again.yaml")
            let again = try bench.saeval(
                ["run", bench.file("again.yaml"), "--output", bench.file("again")],
                variables: hub.variables)
            #expect(again.status == 0, "\(again)")
            #expect(try bench.results(bench.file("again")) == bench.results())
        }

        @Test("What is not downloaded fails alone and names the command that fetches it")
        func partly() throws {
            let bench = try Workbench()
            let hub = try PublishedHub(bench, layers: [1])
            let flags = ["--release", PublishedHub.release, "--id", "blocks.[12].hook_resid_post"]
            let ending = try bench.saeval(hub.tiny(flags), variables: hub.variables)
            #expect(ending.status == 1, "\(ending)")
            let names = bench.files(below: bench.output).filter { $0.hasPrefix("eval_results/") }
            #expect(names.count == 1, "\(names)")
            for part in [
                "not evaluated: \(PublishedHub.release)/blocks.2.hook_resid_post",
                "lacks 2-res-sm/cfg.json", "`saeval fetch Tests/Fixtures/configs/core.yaml --",
                "--release \(PublishedHub.release) --id 'blocks.[12].hook_resid_post'",
            ] {
                #expect(ending.errors.contains(part), "does not say “\(part)”: \(ending)")
            }
        }

        @Test("A run says so when the model was loaded in another way for training")
        func modelArguments() throws {
            let bench = try Workbench()
            let hub = try PublishedHub(bench, layers: [])
            let repository = "hub/models--jbloom--GPT2-Small-SAEs-Reformatted"
            try bench.write("\(repository)/refs/main", "0123abc")
            try bench.copy(
                "configs/quickstart/saes/sae_lens/toyworld-res/blocks.1.hook_resid_post__topk",
                to: "\(repository)/snapshots/0123abc/blocks.1.hook_resid_pre")
            let flags = ["--release", "gpt2-small-res-jb", "--id", "blocks.1.hook_resid_pre"]
            let ending = try bench.saeval(hub.tiny(flags), variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            #expect(
                ending.errors.contains(
                    "gpt2-small-res-jb/blocks.1.hook_resid_pre was trained on a model loaded with "
                        + "{\"center_writing_weights\": true}, which is not done to"), "\(ending)")
        }

        @Test("Where nothing is downloaded one sentence says so and names the command")
        func nothing() throws {
            let bench = try Workbench()
            let hub = try PublishedHub(bench, layers: [])
            for command in ["run", "check"] {
                let flags = ["--release", "gpt2-small-res-jb"]
                let ending = try bench.saeval(
                    hub.tiny(flags, command: command), variables: hub.variables)
                #expect(ending.status == 64 && ending.output.isEmpty, "\(ending)")
                #expect(ending.errors.split(separator: "\n").count == 1, "\(ending)")
                for part in [
                    "None of the 13 ", "gpt2-small-res-jb/blocks.0.hook_resid_pre, ", ", … ",
                    "--release gpt2-small-res-jb", "`saeval fetch ",
                ] {
                    #expect(ending.errors.contains(part), "does not say “\(part)”: \(ending)")
                }
            }
            bench.expectNothingHalfWritten()
        }

        @Test(
            "Where nothing is downloaded a plan tells sizes and the command, and ends with code 0")
        func planOfNothing() throws {
            let bench = try Workbench()
            let hub = try PublishedHub(bench, layers: [])
            let flags = ["--release", "gpt2-small-res-jb", "--id", "blocks.[01].hook_resid_pre"]
            let ending = try bench.saeval(
                hub.tiny(flags + ["--json"], command: "plan"), variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            #expect(
                ending.errors.hasPrefix("saeval: 2 autoencoders, first gpt2-small"), "\(ending)")
            #expect(ending.errors.split(separator: "\n").count == 1, "\(ending)")
            let json = try JSON(parsing: Array(ending.output.utf8), source: "plan --json")
            #expect(json["plan"]?["items"]?.integer == 2)
            #expect(json["plan"]?["missing"]?.elements?.count == 2)
            #expect(json["plan"]?["fetch_command"]?.text?.hasPrefix("saeval fetch ") == true)
            #expect(json["simulation"] == nil || json["simulation"]?.isNull == true)
            #expect(try folderContents(bench.path).allSatisfy { $0 == "hub" })
        }

        @Test(
            "Two names of one file both get results, with equal numbers, and a resumed run is done")
        func twoNames() throws {
            let bench = try Workbench()
            let hub = try PublishedHub(bench, layers: [])
            let repository = "hub/models--google--gemma-scope-2b-pt-res"
            try bench.write("\(repository)/refs/main", "0123abc")
            let file =
                "configs/quickstart/saes/gemma_scope/layer_2/width_1k/average_l0_16/params.npz"
            try bench.copy(
                file,
                to: "\(repository)/snapshots/0123abc/layer_2/width_16k/average_l0_141/params.npz")
            let flags = [
                "--release", "gemma-scope-2b-pt-res.*", "--id",
                "layer_2/width_16k/(canonical|average_l0_141)",
            ]
            let ending = try bench.saeval(hub.tiny(flags), variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            let names = [
                "gemma-scope-2b-pt-res_layer_2_width_16k_average_l0_141",
                "gemma-scope-2b-pt-res-canonical_layer_2_width_16k_canonical",
            ]
            let results = try names.map {
                try JSON(file: "\(bench.output)/eval_results/core/\($0)_eval_results.json")
            }
            let metrics = try #require(results[0]["eval_result_metrics"]).text()
            #expect(metrics == results[1]["eval_result_metrics"]?.text())
            #expect(
                results[1]["sae_cfg_dict"]?["metadata"]?["model_name"]?.text == "gemma-2-2b")
            let status = try bench.saeval(["status", bench.output])
            #expect(status.status == 0, "\(status)")
            #expect(status.output.hasPrefix("\(bench.output): done"), "\(status)")
            let again = try bench.saeval(hub.tiny(flags), variables: hub.variables)
            #expect(again.status == 0, "\(again)")
        }

        static let mistakes = [
            Mistake(
                "a release that the directory does not have",
                says: ["`gemma-scope-2b-pt-rez`", "SAELens 6.54.12", "`gemma-scope-2b-pt-res`"]
            ) { bench in
                try PublishedHub(bench, layers: []).tiny(["--release", "gemma-scope-2b-pt-rez"])
            },
            Mistake(
                "an id that the release does not have",
                says: ["`gpt2-small-res-jb`", "`blocks.77.*`", "`blocks.0.hook_resid_pre`"]
            ) { bench in
                try PublishedHub(bench, layers: []).tiny([
                    "--release", "gpt2-small-res-jb", "--id", "blocks.77.*",
                ])
            },
            Mistake(
                "layers that the selection does not have",
                says: ["None of the 1 ", "layers [2]", "saeval ls saes --release"]
            ) { bench in
                try PublishedHub(bench, layers: [1]).tiny([
                    "--release", PublishedHub.release, "--id", "blocks.1.*", "--layers", "2",
                ])
            },
            Mistake(
                "a bad expression in a config", says: ["saes.release", "--set", "expected ')'"]
            ) { bench in
                bench.tiny(["--set", "saes=[{release: '('}]"])
            },
        ]

        @Test(
            "One sentence says what is wrong with a selection, and nothing is written",
            arguments: mistakes)
        func mistake(_ mistake: Mistake) throws { try mistake.check() }

        @Test(
            "Flags that do not fit each other end with 64 and show the usage",
            arguments: [
                ["run", "--id", ".*"], ["run", "--release", "("],
                ["run", "--release", "a", "--release", "b", "--id", "c"],
                ["ls", "saes", "configs", "--release", "a"], ["ls", "saes", "--id", "a"],
                ["ls", "saes", "--release", "(?<=a)b"],
            ])
        func usage(arguments: [String]) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(arguments)
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("Usage: saeval"), "\(ending)")
        }
    }
}

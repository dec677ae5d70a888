import Basics
import Foundation
import Testing

extension ProgramTests {
    /// `fetch` against a hub on this machine, and runs from the cache that it filled.
    @Suite("Fetch", .enabled(if: StubHub.python != nil, "python3 is not installed"))
    struct FetchTests {
        @Test("What fetch downloads is what a run without network needs")
        func fetchAndRun() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let config = try bench.hubConfig()
            let fetched = try bench.saeval(["fetch", config], variables: hub.variables)
            #expect(fetched.status == 0, "\(fetched)")
            #expect(fetched.output.contains("Everything is there"), "\(fetched)")
            #expect(fetched.output.contains("toy/saes"), "\(fetched)")
            #expect(try hub.requests("__topk").count == 2, "config and weights of one autoencoder")
            #expect(try hub.requests("__relu").isEmpty)
            #expect(try hub.requests("train.jsonl").isEmpty)
            hub.stop()
            let offline = StubHub.variables(bench)
            for command in ["plan", "check", "run"] {
                let ending = try bench.saeval([command, config], variables: offline)
                #expect(ending.status == 0, "\(ending)")
            }
            let name = "saes_toyworld-res_blocks.1.hook_resid_post__topk_eval_results.json"
            #expect(fileExists("\(bench.output)/eval_results/core/\(name)"))
            let local = try Workbench()
            #expect(try local.saeval(local.tiny()).status == 0)
            #expect(try values(bench) == values(local))
        }

        /// Names and values of all metrics of a run's table.
        private func values(_ bench: Workbench) throws -> [[Substring]] {
            let text = String(decoding: try readFile("\(bench.output)/results.csv"), as: UTF8.self)
            return text.split(separator: "\n").dropFirst().map { line in
                Array(line.split(separator: ",").suffix(2))
            }
        }

        @Test("A second fetch downloads nothing")
        func again() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let config = try bench.hubConfig()
            #expect(try bench.saeval(["fetch", config], variables: hub.variables).status == 0)
            let before = try hub.requests("/resolve/").count
            let ending = try bench.saeval(["fetch", config], variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output.contains("0 B to download"), "\(ending)")
            #expect(try hub.requests("/resolve/").count == before)
        }

        @Test("--dry-run lists files and sizes and touches nothing")
        func dryRun() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let ending = try bench.saeval(
                ["fetch", try bench.hubConfig(), "--dry-run"], variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            for part in [
                "model.safetensors", "tokenizer.json", "to download", "data/heldout.jsonl",
                "blocks.1.hook_resid_post__topk/sae_weights.safetensors", bench.file("cache"),
            ] {
                #expect(ending.output.contains(part), "does not say “\(part)”: \(ending)")
            }
            #expect(!folderExists(bench.file("cache")))
            #expect(try hub.requests("/resolve/").isEmpty)
        }

        @Test("A plan counts text that is not in the cache, says so and ends with code 0")
        func planWithoutText() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let config = try bench.hubConfig()
            #expect(try bench.saeval(["fetch", config], variables: hub.variables).status == 0)
            let whole = try bench.saeval(["plan", config], variables: StubHub.variables(bench))
            #expect(whole.status == 0, "\(whole)")
            try FileManager.default.removeItem(atPath: bench.file("cache/datasets--toy--text"))
            let ending = try bench.saeval(["plan", config], variables: StubHub.variables(bench))
            #expect(ending.status == 0 && ending.errors.isEmpty, "\(ending)")
            for part in ["Not on disk", "1 dataset: ", "`saeval fetch \(config)`"] {
                #expect(ending.output.contains(part), "does not say “\(part)”: \(ending)")
            }
            let lines = { (text: String) in
                text.split(separator: "\n").filter {
                    $0.hasPrefix("Work items") || $0.hasPrefix("Arithmetic")
                }
            }
            #expect(lines(ending.output) == lines(whole.output) && lines(whole.output).count == 2)
        }

        @Test(
            "A run whose model, autoencoders or text are not in the cache names the command that fetches them",
            arguments: [
                ("all", "run"), ("all", "plan"), ("saes", "check"), ("text", "check"),
                ("weights", "run"),
            ])
        func namesTheCommand(what: String, command: String) throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let config = try bench.hubConfig()
            let flags = ["--set", "core.context_size=8", "--output", bench.file("other run")]
            if what != "all" {
                #expect(try bench.saeval(["fetch", config], variables: hub.variables).status == 0)
                let gone = [
                    "saes": "models--toy--saes", "text": "datasets--toy--text",
                    "weights": "models--toy--model/snapshots",
                ]
                let place = bench.file("cache/\(try #require(gone[what]))")
                if what == "weights" {
                    let commit = try #require(try folderContents(place).first)
                    unlink("\(place)/\(commit)/model.safetensors")
                } else {
                    try FileManager.default.removeItem(atPath: place)
                }
            }
            let variables = StubHub.variables(bench)
            let failed = try bench.saeval([command, config] + flags, variables: variables)
            #expect(failed.status == 64, "\(failed)")
            let fetch = try #require(failed.errors.firstRange(of: "`saeval fetch "), "\(failed)")
            let line = try #require(
                failed.errors[fetch.upperBound...].split(separator: "`").first)
            #expect(
                line == "\(config) --output '\(bench.file("other run"))' --set core.context_size=8")
            let words = ["sh", "-c", "exec \(Program.path) fetch \(line)"]
            let fetched = try RunningProgram(
                words, folder: bench.path, variables: hub.variables
            ).ending()
            #expect(fetched.status == 0, "\(fetched)")
            let ending = try bench.saeval([command, config] + flags, variables: variables)
            #expect(ending.status == 0, "\(ending)")
        }

        @Test("Under mpirun one rank fetches and the others do nothing")
        func ranks() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let ending = try bench.saeval(
                ["fetch", try bench.hubConfig()], ranks: 3, variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output.components(separatedBy: "Everything is there").count == 2)
            #expect(try hub.requests("model.safetensors").count == 1)
        }

        @Test("Two fetches at once download each file once")
        func twoAtOnce() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(
                bench, rules: "[{\"path\": \"model.safetensors\", \"delay\": 1.5}]")
            let config = try bench.hubConfig()
            let fetches = try (0..<2).map { _ in
                try bench.start(["fetch", config], variables: hub.variables)
            }
            let endings = try fetches.map { try $0.ending() }
            #expect(endings.allSatisfy { $0.status == 0 }, "\(endings)")
            #expect(endings.contains { $0.errors.contains("another process") }, "\(endings)")
            #expect(try hub.requests("model.safetensors").count == 1)
        }

        @Test("A fetch that is killed goes on where it stopped")
        func killed() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            // 100 KB arrive at once, the rest would take hours.
            let hub = try StubHub(
                bench,
                rules: """
                    [{"path": "model.safetensors", "times": 1, "burst": 100000, "drip": 0.2}]
                    """)
            let config = try bench.hubConfig()
            let running = try bench.start(["fetch", config], variables: hub.variables)
            let blobs = bench.file("cache/models--toy--model/blobs")
            try running.wait(for: "100,000 bytes", seconds: 30) {
                guard folderExists(blobs) else { return false }
                let unfinished = try folderContents(blobs).filter { $0.hasSuffix(".incomplete") }
                let sizes = unfinished.compactMap { fileByteCount("\(blobs)/\($0)") }
                return sizes.contains { $0 >= 100_000 }
            }
            running.send(SIGKILL)
            let killed = try running.ending()
            #expect(killed.status == 128 + SIGKILL, "\(killed)")
            let ending = try bench.saeval(["fetch", config], variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            let ranges = try hub.requests("model.safetensors").map { $0["range"]?.text ?? "all" }
            #expect(ranges.count == 2)
            let start = ranges.last?.split(separator: "=").last?.dropLast()
            #expect(try #require(start.flatMap { Int($0) }) >= 100_000)
        }

        @Test("A full disk is one sentence, and more room lets it go on")
        func fullDisk() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let config = try bench.hubConfig()
            // A file may have 1 MiB here; the signal that comes with it is ignored.
            let limited = try RunningProgram(
                [
                    "bash", "-c",
                    "trap '' XFSZ; ulimit -f 1024; exec \(Program.path) fetch \(config)",
                ],
                folder: bench.path, variables: hub.variables
            ).ending()
            #expect(limited.status == 1, "\(limited)")
            #expect(limited.errors.contains("[hub.outOfSpace] Try: make room"), "\(limited)")
            let ending = try bench.saeval(["fetch", config], variables: hub.variables)
            #expect(ending.status == 0, "\(ending)")
            let last = try hub.requests("model.safetensors").last
            let start = last?["range"]?.text?.split(separator: "=").last?.dropLast()
            let there = try #require(start.flatMap { Int($0) })
            #expect((1_000_000...1_048_576).contains(there))
        }

        @Test("Files for which there is no room are refused before anything is downloaded")
        func noRoom() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hash = String(repeating: "a", count: 40)
            let entry = """
                {"type": "file", "path": "data/heldout.jsonl", "size": \(1 << 60), "oid": "\(hash)"}
                """
            let hub = try StubHub(
                bench, rules: "[{\"path\": \"datasets.*tree\", \"entries\": [\(entry)]}]")
            let config = try bench.hubConfig()
            let ending = try bench.saeval(["fetch", config], variables: hub.variables)
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.errors.contains("are free [hub.outOfSpace] Try: make room"), "\(ending)")
            #expect(try hub.requests("/resolve/").isEmpty)
            #expect(!folderExists(bench.file("cache")))
        }

        @Test("Offline, fetch downloads nothing, and says whether all is there")
        func offline() throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let config = try bench.hubConfig()
            let offline = hub.variables.merging(["HF_HUB_OFFLINE": "1"]) { $1 }
            let failed = try bench.saeval(["fetch", config], variables: offline)
            #expect(failed.status == 1, "\(failed)")
            #expect(failed.errors.contains("HF_HUB_OFFLINE is set"), "\(failed)")
            #expect(try hub.requests("").isEmpty)
            #expect(try bench.saeval(["fetch", config], variables: hub.variables).status == 0)
            let ending = try bench.saeval(["fetch", config], variables: offline)
            #expect(ending.status == 0, "\(ending)")
        }

        @Test(
            "A mistake ends with one sentence and the right code",
            arguments: [
                ("org/none", "{repo: toy/saes}", 1, "HF_TOKEN"),
                ("toy/model@v7", "{repo: toy/saes}", 64, "no revision `v7`"),
                ("toy/saes", "{repo: toy/saes}", 64, "no config.json"),
                ("a b", "{repo: toy/saes}", 64, "hub id"),
                ("toy/model", "{repo: toy/saes, match: nothing}", 64, "matches `nothing`"),
                ("toy/model", "{repo: toy/saes, folder: none}", 64, "below none"),
                ("toy/model", "{repo: ../x}", 64, "org/name@revision"),
                ("toy/model", "{repo: toy/saes, folder: ../x}", 64, "a folder in the repository"),
                ("toy/model", "{repo: toy/saes, path: x}", 64, "repo: org/name"),
            ])
        func mistakes(model: String, saes: String, code: Int, part: String) throws {
            let bench = try Workbench()
            try bench.serveQuickstart()
            let hub = try StubHub(bench)
            let config = try bench.hubConfig(model: model, saes: saes)
            let ending = try bench.saeval(["fetch", config], variables: hub.variables)
            #expect(ending.status == code, "\(ending)")
            #expect(ending.errors.contains(part), "\(ending)")
            #expect(ending.errors.contains(" Try: "), "\(ending)")
            #expect(ending.errors.split(separator: "\n").count == 1, "\(ending)")
            #expect(!folderExists(bench.file("cache")))
        }

        @Test("A config of local files needs nothing, and a dataset without a file is named")
        func local() throws {
            let bench = try Workbench()
            let variables = StubHub.variables(bench)
            let ending = try bench.saeval(
                ["fetch", "configs/quickstart.yaml"], variables: variables)
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output == "The config names nothing on the hub\n")
            let unnamed = try bench.saeval(
                ["fetch", "configs/quickstart.yaml", "--set", "core.dataset=org/text"],
                variables: variables)
            #expect(unnamed.status == 1, "\(unnamed)")
            #expect(unnamed.errors.contains("hf://datasets/org/text/FILE"), "\(unnamed)")
        }
    }
}

import Basics
import Foundation
import Testing

/// A hub on this machine that serves a folder of a bench, with the faults of `stub.py`.
final class StubHub {
    /// The interpreter; nil where there is none.
    static let python: String? = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private let bench: Workbench
    private let process = Process()
    private let input = Pipe()
    private let endpoint: String

    /// Serves the folder `hub` of a bench.
    ///
    /// - Parameter rules: a JSON array of faults.
    init(_ bench: Workbench, rules: String = "[]") throws {
        self.bench = bench
        let output = Pipe()
        try makeFolder(bench.file("hub"))
        process.executableURL = URL(fileURLWithPath: try #require(Self.python))
        process.arguments = [
            "\(Program.root)/Tests/Fixtures/hub/stub.py", bench.file("hub"), rules,
            bench.file("log"),
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let port = try #require(line.split(separator: " ").first, "the stub did not start")
        endpoint = "http://127.0.0.1:\(port)"
    }

    deinit { stop() }

    /// Ends the hub.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.terminate()
    }

    /// The environment of a program that uses this hub and the bench's cache.
    var variables: [String: String] {
        Self.variables(bench).merging(["HF_ENDPOINT": endpoint]) { $1 }
    }

    /// The environment of a program that uses the bench's cache and a hub that is not there.
    static func variables(_ bench: Workbench) -> [String: String] {
        [
            "HF_ENDPOINT": "http://127.0.0.1:1", "HF_HUB_CACHE": bench.file("cache"),
            "HF_HOME": bench.file("home"), "HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": "",
            "HF_TOKEN_PATH": "", "HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": "",
            "http_proxy": "",
        ]
    }

    /// Requests whose path contains a text.
    func requests(_ part: String) throws -> [JSON] {
        guard fileExists(bench.file("log")) else { return [] }
        return try readFile(bench.file("log")).split(separator: 0x0A).map {
            try JSON(parsing: Array($0), source: "log")
        }.filter { $0["path"]?.text?.contains(part) == true }
    }
}

extension Workbench {
    /// Serves the quickstart's model as `toy/model`, its autoencoders as `toy/saes` and its text as
    /// the dataset `toy/text`, by links.
    func serveQuickstart() throws {
        let source = "\(Program.root)/configs/quickstart"
        for (folder, name) in [
            ("model", "models/toy/model"), ("saes/sae_lens", "models/toy/saes"),
            ("toyworld/corpus", "datasets/toy/text/data"),
        ] {
            for file in files(below: "\(source)/\(folder)") {
                let place = self.file("hub/\(name)/\(file)")
                try makeFolder(parentFolder(of: place))
                try #require(symlink("\(source)/\(folder)/\(file)", place) == 0)
            }
        }
    }

    /// A config of one small run whose model, autoencoders and text are on the hub.
    func hubConfig(
        model: String = "toy/model", saes: String = "{repo: toy/saes, match: '.*1.*__topk'}"
    ) throws -> String {
        try write(
            "hub.yaml",
            """
            model: \(model)
            saes: [\(saes)]
            evals:
              core:
                dataset: text
                context_size: 16
                batch_size_prompts: 2
                n_eval_reconstruction_batches: 1
                n_eval_sparsity_variance_batches: 1
                exclude_special_tokens_from_reconstruction: true
            datasets: {text: hf://datasets/toy/text/data/heldout.jsonl}
            output: \(output)
            artifacts: \(artifacts)

            """)
    }
}

import Basics
import EmulatedGPU
import Formats
import Foundation
import Tensors
import Testing

/// SAE Bench's own result of one autoencoder.
struct GoldenResult {
    /// `eval_result_metrics` of SAE Bench.
    let metrics: JSON
    /// Some or all entries of `eval_result_details`.
    let latents: [JSON]

    init(_ json: JSON) throws {
        metrics = try #require(json["eval_result_metrics"])
        latents = try #require(json["eval_result_details"]?.elements)
    }

    /// Compares one of our result files with it: 1e-4 relative, 1e-3 for divergences. Numbers
    /// below 1e-3 are compared with 1e-7, about the rounding of upstream's single precision.
    ///
    /// - Parameter factor: on the tolerances.
    func compare(_ path: String, factor: Double = 1) throws {
        let ours = try JSON(file: path)
        var worst = (ratio: 0.0, name: "")
        var compared = 0
        func compare(_ name: String, _ expected: JSON?, _ actual: JSON?) {
            guard let expected = expected?.double, let actual = actual?.double else {
                Issue.record(
                    "\(name) is missing here or there"
                )
                return
            }
            let relative = name.contains(".kl_") ? 1e-3 : 1e-4
            let tolerance = factor * relative * max(abs(expected), 1e-3)
            compared += 1
            if actual == expected || actual.isNaN && expected.isNaN { return }
            let ratio = abs(actual - expected) / tolerance
            // What one of both alone has as NaN must not be hidden by the next number.
            if ratio > worst.ratio || ratio.isNaN {
                worst = (ratio.isNaN ? .infinity : ratio, "\(name): \(actual) for \(expected)")
            }
        }
        for category in metrics.members ?? [] {
            for metric in category.value.members ?? [] {
                compare(
                    "\(category.key).\(metric.key)", metric.value,
                    ours["eval_result_metrics"]?[category.key]?[metric.key])
            }
        }
        let details = try #require(ours["eval_result_details"]?.elements)
        for latent in latents {
            let index = try #require(latent["index"]?.integer)
            try #require(index < details.count)
            for value in latent.members ?? [] {
                compare("latent \(index) \(value.key)", value.value, details[index][value.key])
            }
        }
        #expect(
            worst.ratio <= 1,
            "\(lastComponent(of: path)): \(worst.ratio) times the tolerance at \(worst.name)")
        #expect(compared > 0, "\(path) was compared with nothing")
        let categories = try #require(metrics.members).count
        #expect(categories == ours["eval_result_metrics"]?.members?.count)
    }
}

extension ProgramTests {
    /// The numbers of SAE Bench 0.6.0, from text to result files.
    @Suite("Parity with SAE Bench")
    struct ParityTests {
        /// What the golden results were made with.
        static func settings(_ reconstruction: Int, _ sparsity: Int) -> [String] {
            [
                "core.batch_size_prompts=8", "core.n_eval_reconstruction_batches=\(reconstruction)",
                "core.n_eval_sparsity_variance_batches=\(sparsity)", "core.context_size=128",
                "core.exclude_special_tokens_from_reconstruction=true",
            ].flatMap { ["--set", $0] }
        }

        @Test("Metrics and statistics of the toy world's autoencoders are SAE Bench's")
        func toyWorld() throws {
            let bench = try Workbench()
            let names = ["topk", "random"].map { "blocks.2.hook_resid_post__\($0)" }
            let ending = try bench.saeval(
                [
                    "run", "Tests/Fixtures/configs/core.yaml", "--output", bench.output,
                    "--artifacts",
                    bench.artifacts,
                    "--saes", "configs/quickstart/saes/sae_lens", "--match", ".*2.*__(topk|random)",
                ] + Self.settings(8, 24))
            #expect(ending.status == 0, "\(ending)")
            for name in names {
                let golden = try GoldenResult(
                    JSON(file: "\(Program.root)/Tests/Fixtures/toyworld/\(name).json"))
                #expect(golden.latents.count == 64)
                try golden.compare(
                    "\(bench.output)/eval_results/core/toyworld-res_\(name)_eval_results.json")
            }
        }

        @Test(
            "The fixtures of the toy world are the golden results",
            .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"))
        func fixtures() throws {
            for name in ["topk", "random"].map({ "blocks.2.hook_resid_post__\($0)" }) {
                let fixture = try JSON(file: "\(Program.root)/Tests/Fixtures/toyworld/\(name).json")
                let golden = try JSON(
                    file: "\(try #require(sharedFolder))/golden/toyworld/core/\(name)/result.json")
                let metrics = try #require(fixture["eval_result_metrics"]).text()
                #expect(metrics == golden["eval_result_metrics"]?.text())
                let latents = try #require(golden["eval_result_details"]?.elements)
                let kept = stride(from: 0, to: latents.count, by: 16).map { latents[$0].text() }
                #expect(fixture["eval_result_details"]?.elements?.map { $0.text() } == kept)
            }
        }

        @Test(
            "Token rows, metrics and statistics of the golden models are SAE Bench's",
            .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"),
            arguments: ["tiny-neox", "tiny-gpt2", "gemma-2-2b-it"])
        func golden(model: String) throws {
            let bench = try Workbench()
            let folder = try #require(sharedFolder) + "/golden"
            let results = try folderContents("\(folder)/results/core")
                .filter { $0.hasPrefix(model + "_") && $0.hasSuffix("_512") }
            #expect(!results.isEmpty)
            let ids = results.map { $0.dropFirst(model.count + 1) }.joined(separator: "|")
            let ending = try bench.saeval(
                [
                    "run", "--model", "\(folder)/models/\(model)", "--saes",
                    "\(folder)/saes_saelens", "--match",
                    ".*/\(model)_(\(ids))", "--evals", "core", "--set", "core.dataset=local/owt",
                    "--datasets",
                    "local/owt=\(folder)/data/local/owt/train.first400.jsonl.gz", "--output",
                    bench.output,
                    "--artifacts", bench.artifacts,
                ] + Self.settings(4, 8))
            #expect(ending.status == 0, "\(ending)")
            for name in results {
                try GoldenResult(JSON(file: "\(folder)/results/core/\(name)/result.json"))
                    .compare(
                        "\(bench.output)/eval_results/core/saes_saelens_\(name)_eval_results.json")
                try compareTokens(bench, "\(folder)/results/core/\(name)/tokens.npz")
            }
        }

        @Test(
            "On an emulated GPU metrics and statistics of golden models are SAE Bench's within 1e-3",
            .enabled(if: sharedFolder != nil, "SAEVAL_SHARED is not set"),
            .enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)),
            arguments: ["tiny-neox", "gemma-2-2b-it"])
        func goldenOnGPU(model: String) throws {
            let bench = try Workbench()
            let folder = try #require(sharedFolder) + "/golden"
            let name = try #require(
                try folderContents("\(folder)/results/core")
                    .filter { $0.hasPrefix(model + "_") && $0.hasSuffix("_512") }.sorted().first)
            let ending = try bench.saeval(
                [
                    "run", "--model", "\(folder)/models/\(model)", "--device", "cuda", "--saes",
                    "\(folder)/saes_saelens", "--match",
                    ".*/\(name)", "--evals", "core", "--set", "core.dataset=local/owt",
                    "--datasets",
                    "local/owt=\(folder)/data/local/owt/train.first400.jsonl.gz", "--output",
                    bench.output,
                    "--artifacts", bench.artifacts,
                ] + Self.settings(4, 8), variables: emulatedGPU(bench))
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains("computing on Emulated GPU"))
            try GoldenResult(JSON(file: "\(folder)/results/core/\(name)/result.json")).compare(
                "\(bench.output)/eval_results/core/saes_saelens_\(name)_eval_results.json",
                factor: 10)
        }

        /// Compares the token rows of a run with those that SAE Bench saw.
        private func compareTokens(_ bench: Workbench, _ path: String) throws {
            let name = try #require(
                bench.files(below: bench.artifacts).first { $0.hasPrefix("tokens/") })
            let ours = try SafetensorsFile(path: "\(bench.artifacts)/\(name)").tensor("tokens")
            let theirs = try NumpyArchive(path: path).tensor("batches")
            #expect(ours.shape == [96, 128] && theirs.shape == [12, 8, 128])
            #expect(ours.type == theirs.type)
            let bytes = [ours, theirs].map {
                [UInt8](UnsafeRawBufferPointer(start: $0.bytes, count: $0.byteCount))
            }
            #expect(bytes[0] == bytes[1])
        }
    }
}

import Basics
import Foundation
import Glibc
import Testing

extension ProgramTests {
    /// Evaluations of labelled texts, through the program.
    @Suite("Concept evaluations")
    struct ConceptTests {
        /// The arguments of a small run of all of them.
        static func arguments(_ bench: Workbench, _ more: [String] = []) -> [String] {
            [
                "run", "Tests/Fixtures/configs/concepts.yaml", "--output", bench.output,
                "--artifacts", bench.artifacts,
            ] + more
        }

        /// What a run of one thread gives.
        static let alone = Result<RunResults, any Error> {
            let bench = try Workbench()
            let ending = try bench.saeval(arguments(bench, ["--threads", "1"]))
            #expect(ending.status == 0, "\(ending)")
            return try bench.results()
        }

        @Test(
            "Ranks and threads do not change a byte of the results",
            arguments: [(nil, 2), (1, 1), (2, 1), (3, 2)] as [(Int?, Int)])
        func sameBytes(ranks: Int?, threads: Int) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                Self.arguments(bench, ["--threads", "\(threads)"]), ranks: ranks)
            #expect(ending.status == 0, "\(ending)")
            let expected = try Self.alone.get()
            #expect(expected.texts.count == 1 + 4 * 2)
            #expect(try bench.results().differences(from: expected) == [])
        }

        @Test("An autoencoder that is added makes no baseline be computed again")
        func addedAutoencoder() throws {
            let bench = try Workbench()
            let topk = ["--saes", "configs/quickstart/saes/sae_lens", "--match", ".*2.*__topk"]
            let first = try bench.saeval(Self.arguments(bench, topk))
            #expect(first.status == 0, "\(first)")
            let second = try bench.saeval(Self.arguments(bench))
            #expect(second.status == 0, "\(second)")
            #expect(try bench.results().differences(from: try Self.alone.get()) == [])
            let log = String(decoding: try readFile("\(bench.output)/log.jsonl"), as: UTF8.self)
            let baselines = log.split(separator: "\n").filter { line in
                line.contains("\"event\": \"unit\"")
                    && ["model", "trained_probes", "baseline"].contains {
                        line.contains("\"unit\": \"{\\\"\($0)\\\":")
                    }
            }
            // One for each dataset of sparse probing, TPP, SCR and SAE-probes.
            #expect(baselines.count == 6)
        }

        @Test("Inputs that cannot be made are named, and everything else is evaluated")
        func missingDataset() throws {
            let bench = try Workbench()
            let bad = try bench.write("reviews/train.jsonl", "{\"text\": \"good\"}\n")
            try bench.copy(
                "configs/quickstart/toyworld/amazon_reviews/test.jsonl", to: "reviews/test.jsonl")
            let datasets = "canrager/amazon_reviews_mcauley_1and5=\(parentFolder(of: bad))"
            let ending = try bench.saeval(Self.arguments(bench, ["--datasets", datasets]))
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.errors.contains("canrager/amazon_reviews_mcauley_1and5_sentiment"))
            #expect(ending.errors.contains("rating"), "\(ending)")
            let (results, whole) = (try bench.results(), try Self.alone.get())
            #expect(results.texts.count == 1 + 4 * 2)
            // One of two datasets of sparse probing is left, whose mean is no score.
            #expect(ending.output.contains("incomplete (0."), "\(ending)")
            #expect(ending.output.contains("could not be evaluated (`canrager/amazon_"))
            let path = "\(bench.output)/eval_results/sparse_probing"
            let file = try #require(try folderContents(path).first)
            let json = try JSON(file: "\(path)/\(file)")
            #expect(json["eval_result_metrics"]?["sae"]?["sae_test_accuracy"]?.isNull == true)
            let own = json["eval_result_unstructured"]?["saeval"]?["incomplete"]
            let mean = try #require(own?["partial_means"]?["sae_test_accuracy"]?.double)
            let lines = try #require(results.texts["results.csv"]).split(separator: "\n").filter {
                $0.hasPrefix("sparse_probing,") && $0.contains("sae_test_accuracy")
            }
            #expect(lines.contains { $0.hasSuffix(",sae,sae_test_accuracy,") })
            #expect(
                lines.contains {
                    $0.hasSuffix(",incomplete,sae_test_accuracy_partial_mean,\(mean)")
                })
            // What does not read the reviews is as it was.
            let others = whole.texts.filter { $0.key.contains("/tpp/") || $0.key.contains("/scr/") }
            #expect(others.count == 2 * 2)
            for (name, text) in others { #expect(results.texts[name] == text, "\(name)") }
        }

        @Test(
            "A run that was killed goes on and gives the same bytes",
            arguments: [("start", 1), ("begin", 2), ("unit", 1), ("unit", 8)])
        func killed(event: String, count: Int) throws {
            let bench = try Workbench()
            let arguments = Self.arguments(bench, ["--threads", "1"])
            let running = try bench.start(arguments)
            try running.wait(for: event, count: count, in: bench.output + "/log.jsonl")
            running.send(SIGKILL)
            let killed = try running.ending()
            #expect(killed.status == 128 + SIGKILL, "\(killed)")
            let ending = try bench.saeval(arguments, ranks: 2)
            #expect(ending.status == 0, "\(ending)")
            #expect(try bench.results().differences(from: try Self.alone.get()) == [])
        }
    }
}

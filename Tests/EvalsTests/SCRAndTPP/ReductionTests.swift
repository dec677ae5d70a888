import Autoencoders
import Basics
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Probes
import Tensors
import Testing

@testable import Evals

/// Ablation as it is defined: an edit of activations, which are then pooled.
struct ReductionTests {
    /// Folders of autoencoders of every architecture, with and without normalised inputs.
    private static let names = [
        "standard", "topk", "jumprelu", "gated", "batchtopk-training", "matryoshka-training",
        "topk-rescaled", "finetuned", "scaled-standard", "standard-no-input-bias",
        "standard-layer-norm", "standard-constant-norm", "gated-layer-norm",
    ]

    private static let fixtures: String = {
        let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return tests.joined(separator: "/") + "/Fixtures/saes/tiny-res"
    }()

    private static let size = 8
    private static let latents = [0, 3, 5, 6, 11, 17, 22]

    /// Two classes of texts of one to four stored tokens.
    private static func labelled() -> (rows: TextRows, activations: Tensor) {
        var rows = TextRows(
            tokens: [], starts: [0], stored: [], storedStarts: [0], groups: [], sources: [])
        for split in [TextRows.Split.train, .test] {
            for name in ["a", "b"] {
                let first = rows.count
                for _ in 0..<8 {
                    let count = 1 + rows.count % 4
                    rows.tokens += [Int32](repeating: 1, count: count)
                    rows.stored += (0..<count).map { rows.starts[rows.count] + $0 }
                    rows.starts.append(rows.tokens.count)
                    rows.storedStarts.append(rows.stored.count)
                    rows.sources.append("\(rows.count)")
                }
                rows.groups.append(
                    TextRows.Group(name: name, split: split, texts: Array(first..<rows.count)))
            }
        }
        var numbers = Numbers(seed: 11)
        return (rows, numbers.tensor([rows.stored.count, size], times: 2))
    }

    /// The logit of one text after direct ablation at all positions or at stored ones.
    private static func direct(
        _ text: Int, _ probe: LinearProbe, _ autoencoder: any Autoencoder,
        _ data: (rows: TextRows, activations: Tensor), positions: Int
    ) throws -> Double {
        let backend = ReferenceBackend()
        let stored = data.rows.storedStarts[text]..<data.rows.storedStarts[text + 1]
        let values = data.activations.rows(stored).values
        let x = Tensor(
            values + [Float](repeating: 0, count: (positions - stored.count) * size),
            shape: [positions, size])
        let ablation = try LatentEdit(latents, .ablate).intervention(by: autoencoder, on: backend)
        let ablated = try ablation(HookedActivation(values: x, batch: 1, positions: positions))
        var logit = Double(probe.bias)
        for (index, value) in ablated.values.enumerated() {
            logit += Double(value) * Double(probe.weights[index % size]) / Double(stored.count)
        }
        return logit
    }

    @Test("The reduction gives the logits of direct ablation", arguments: names)
    func reduction(name: String) throws {
        let reference = try #require(
            try findAutoencoders(under: "\(Self.fixtures)/\(name)").first)
        let autoencoder = try loadAutoencoder(reference)
        let data = Self.labelled()
        var settings = AttributionFixture.settings()
        settings.contextLength = 6
        let run = AttributionRun(dataset: "fixture")
        let context = InMemoryContext(
            cohort: toyCohort(modelSize: Self.size, latents: [24]),
            autoencoders: [autoencoder],
            labelled: [settings.request(run): data])
        let work = TPP(settings: settings).work(in: context)
        let probes = try AttributionProbes(run, with: work)
        let ablated = try AblatedLatents(
            of: SubjectIndex(0), latents: Self.latents, probes, with: work)
        let texts = Array(16..<32)
        var shift = 0.0
        for place in 0..<2 {
            for (countsMasked, positions) in [(true, 6), (false, 0)] {
                let logits = ablated.logits(
                    of: place, without: Self.latents, texts: texts, countsMasked: countsMasked)
                for (text, logit) in zip(texts, logits) {
                    let expected = try Self.direct(
                        text, probes.probes[place], autoencoder, data,
                        positions: positions > 0 ? positions : data.rows.storedCount(text))
                    #expect(abs(logit - expected) < 1e-5, "\(name) text \(text)")
                    shift = max(shift, abs(expected - Double(probes.logits[place][text])))
                }
            }
        }
        #expect(shift > 1e-3, "the ablation changes something")
        let normalises = name.hasSuffix("-norm")
        #expect(
            try LatentDecoding(autoencoder, on: ReferenceBackend(), name: name).scalesTokens
                == normalises)
    }

    @Test("Autoencoders that reconstruct another hook are refused")
    func transcoder() throws {
        let reference = try #require(
            try findAutoencoders(under: "\(Self.fixtures)/transcoder").first)
        let autoencoder = try loadAutoencoder(reference)
        #expect(throws: EvaluationError.self) {
            try LatentDecoding(autoencoder, on: ReferenceBackend(), name: "a transcoder")
        }
    }
}

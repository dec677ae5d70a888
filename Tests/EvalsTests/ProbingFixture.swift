import Corpora
import EvalKit
import Kernels
import LanguageModels
import Tensors

/// The worked example of the specification's probing evaluations: three keys with 12 training and 6
/// test texts of three positions of three numbers, one of which counts less in every third text.
enum ProbingFixture {
    /// The autoencoder of the core evaluation's example: five latents, three wide.
    static var autoencoder: ToyAutoencoder {
        let (model, latents) = (3, 5)
        let encoder = (0..<model * latents).map { index in
            Float((3 * (index / latents) + 2 * (index % latents)) % 7 - 3) / 4
        }
        let decoder = (0..<latents * model).map { index in
            let (f, d) = (index / model, index % model)
            return Float((5 * d * d + 3 * f + 2 * d * f) % 7 - 3) / 3 + 0.1
        }
        return ToyAutoencoder(
            encoder: Tensor(encoder, shape: [model, latents]),
            decoder: Tensor(decoder, shape: [latents, model]),
            encoderBias: (0..<latents).map { 0.1 * Float($0 - 2) },
            decoderBias: (0..<model).map { 0.05 * Float($0) })
    }

    /// A request that stands for the example.
    static func request(_ dataset: String = "fixture", train: Int = 24, test: Int = 12)
        -> TextRequest
    {
        TextRequest(
            dataset: dataset, selection: .classes(train: train, test: test, seed: 42),
            contextLength: 3)
    }

    /// One number of the example: class, text, position and axis count from 0.
    static func activation(_ key: Int, _ text: Int, _ position: Int, _ d: Int) -> Float {
        let wave = Float((5 * text + 3 * position + 7 * d + 4 * key) % 13 - 6) / 6
        return wave + (d == key % 3 ? 0.8 : 0)
    }

    /// The texts of the example and the activations of their stored tokens.
    ///
    /// - Parameter keys: names of the classes, in order.
    static func labelled(keys: [String] = ["a", "b", "c"], train: Int = 12, test: Int = 6) -> (
        rows: TextRows, activations: Tensor
    ) {
        var rows = TextRows(
            tokens: [], starts: [0], stored: [], storedStarts: [0], groups: [], sources: [])
        var values: [Float] = []
        for (split, texts) in [(TextRows.Split.train, 0..<train), (.test, 50..<50 + test)] {
            for (key, name) in keys.enumerated() {
                let first = rows.count
                for text in texts {
                    let count = text % 3 == 0 ? 2 : 3
                    rows.tokens += [Int32](repeating: 1, count: 3)
                    rows.stored += (0..<count).map { rows.starts[rows.count] + $0 }
                    rows.starts.append(rows.tokens.count)
                    rows.storedStarts.append(rows.stored.count)
                    rows.sources.append("\(split.rawValue).jsonl:\(text)")
                    for position in 0..<count {
                        values += (0..<3).map { activation(key, text, position, $0) }
                    }
                }
                rows.groups.append(
                    TextRows.Group(name: name, split: split, texts: Array(first..<rows.count)))
            }
        }
        return (rows, Tensor(values, shape: [values.count / 3, 3]))
    }

    /// A context that knows some labelled texts.
    static func context(
        _ labelled: [TextRequest: (rows: TextRows, activations: Tensor)]? = nil,
        autoencoders: [ToyAutoencoder]? = nil, streams: RandomStreams = .independent,
        backend: any KernelBackend = ReferenceBackend(), threads: Int = 2
    ) -> InMemoryContext {
        let autoencoders = autoencoders ?? [autoencoder]
        var cohort = toyCohort(modelSize: 3, latents: autoencoders.map(\.description.latents))
        cohort.streams = streams
        return InMemoryContext(
            cohort: cohort, autoencoders: autoencoders,
            backend: backend, threads: threads,
            labelled: labelled ?? [request(): self.labelled()])
    }
}

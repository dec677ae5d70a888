import Autoencoders
import Corpora
import EvalKit
import Evals
import Glibc
import Kernels
import LanguageModels
import Tensors

extension GPUBenchmark {
    /// Forward passes and the core evaluation on a model of random weights.
    mutating func measureModel() {
        let sizes = isQuick ? RandomGemma2.quick : .full
        let hook = HookPoint(layer: isQuick ? 1 : 12, site: .residPost)
        let names = ["model, to \(hook)", "model, to the logits", "model, core"]
        guard names.contains(where: wants) else { return }
        var model: (any LanguageModel)?
        do { model = try sizes.load(&self) } catch { fail("model", error) }
        guard let model else { return }
        part(names[0]) { try $0.measureForward(model, sizes, to: hook) }
        part(names[1]) { try $0.measureForward(model, sizes, to: nil) }
        part(names[2]) { try $0.measureCore(model, sizes, at: hook) }
    }

    /// A pass over rows of 128 tokens.
    ///
    /// - Parameter hook: where it ends; nil for the logits.
    private mutating func measureForward(
        _ model: any LanguageModel, _ sizes: RandomGemma2, to hook: HookPoint?
    ) throws {
        let (batch, positions) = isQuick ? (2, 8) : (16, 128)
        let tokens = batch * positions
        let pass = ForwardPass(
            start: .tokens(sizes.tokens(tokens)), end: hook == nil ? .logits : .lastCapture,
            batch: batch, positions: positions, captures: hook.map { [$0] } ?? [])
        let timing = try timing { _ = try model.run(pass) }
        let (alone, parts) = try workTiming { _ = try model.run(pass) }
        let operations = model.description.forwardOperations(
            tokens: tokens, positions: positions, blocks: hook.map { 0..<$0.firstBlockAfter },
            unembedding: hook == nil)
        let rate = operations / timing.fastest
        add(
            GPUMeasurement(
                operation: "forward to " + (hook?.description ?? "the logits"),
                shape: "\(batch) × \(positions), Gemma 2 of \(sizes.layers) × \(sizes.model) "
                    + sizes.type.rawValue,
                timing: timing, work: operations, unit: .operations,
                bound: "\(sizes.type.rawValue) product",
                share: productRates[sizes.type].map { rate / $0 }, goal: 0.6,
                note: "\(Int(Double(tokens) / timing.fastest)) tokens/s; "
                    + "\(percent(parts.products, of: alone.fastest)) of the kernels' time in "
                    + "products, \(percent(alone.fastest, of: timing.fastest)) of the time in "
                    + "kernels",
                parts: parts))
    }

    /// The reconstruction phase of the core evaluation for eight autoencoders at one hook.
    private mutating func measureCore(
        _ model: any LanguageModel, _ sizes: RandomGemma2, at hook: HookPoint
    ) throws {
        var settings = CoreSettings()
        (settings.contextSize, settings.batchSizePrompts) = isQuick ? (8, 4) : (128, 16)
        settings.nEvalReconstructionBatches = isQuick ? 1 : 4
        let latents = isQuick ? 256 : 16_384
        let tokens =
            settings.contextSize * settings.batchSizePrompts * settings.nEvalReconstructionBatches
        let rows = TokenRows(tokens: sizes.tokens(tokens), positions: settings.contextSize)
        let x = try activations(of: model, rows, at: hook)
        // Two to three deviations leave about 80 of 16,384 latents, and 5 of 256.
        let threshold = x.rootMeanSquare * (isQuick ? 2 : 2.55)
        let autoencoders = try (0..<8).map { _ in
            try RandomAutoencoder(
                &self, modelSize: sizes.model, latents: latents, threshold: threshold, at: hook)
        }
        let codes = try autoencoders[0].encode(x.rows(0..<settings.contextSize), on: backend)
        let context = InMemoryContext(
            cohort: .inMemory(
                autoencoders.map(\.description), release: "random", at: hook,
                of: model.description),
            rows: rows, autoencoders: autoencoders, model: model, backend: backend, threads: 4
        ) { _, some in
            // A copy, as reading them from a file would make.
            let stored = x.rows(
                some.lowerBound * rows.positions..<some.upperBound * rows.positions)
            let copy = Tensor(uninitialized: stored.shape)
            memcpy(copy.bytes, stored.constantBytes, stored.byteCount)
            return copy
        }
        let core = Core(settings: settings)
        let subjects = autoencoders.indices.map { SubjectIndex($0) }
        let batches = 0..<settings.nEvalReconstructionBatches
        /// One unit with all autoencoders.
        func evaluate() throws {
            let results = try core.evaluate(
                .reconstruction(batches), subjects: subjects, in: context)
            for result in results.values { _ = try result.get() }
        }
        let timing = try wallTiming(repetitions: 5, evaluate)
        let parts = try work(of: evaluate)
        let kernels = parts.reduce(0) { $0 + $1.seconds }
        add(
            GPUMeasurement(
                operation: "core, reconstruction, 8 autoencoders at \(hook)",
                shape: "\(tokens) tokens, \(latents) latents, \(sizes.type.rawValue)",
                timing: timing, work: Double(tokens), unit: .tokens, bound: "its own products",
                share: parts.products / timing.fastest,
                note: "\(percent(timing.fastest - parts.products, of: timing.fastest)) of the "
                    + "time outside products, \(percent(kernels, of: timing.fastest)) in kernels "
                    + "and products; \(codes.indices.count / codes.rows) latents a token; by "
                    + "the host's clock",
                parts: parts))
    }

    /// What comes to a hook, on the host as evaluations read it.
    ///
    /// - Shapes: `[rows · positions, model]`.
    private func activations(
        of model: any LanguageModel, _ rows: TokenRows, at hook: HookPoint
    ) throws -> Tensor {
        let size = model.description.modelSize
        let all = Tensor(uninitialized: [rows.tokens.count, size])
        let step = max(1, backend.chunks.tokens / rows.positions)
        for first in stride(from: 0, to: rows.count, by: step) {
            let some = first..<min(first + step, rows.count)
            let pass = ForwardPass(
                start: .tokens(rows.rows(some)), end: .lastCapture, batch: some.count,
                positions: rows.positions, captures: [hook])
            guard let part = try model.run(pass).captured[hook] else { continue }
            memcpy(
                all.bytes + 4 * first * rows.positions * size, part.constantBytes, part.byteCount)
        }
        return all
    }

    /// A share as text.
    private func percent(_ part: Double, of whole: Double) -> String {
        "\(Int((100 * part / whole).rounded())) %"
    }
}

extension Tensor {
    /// The root of the mean of squares of a thousand numbers or so.
    fileprivate var rootMeanSquare: Float {
        let some = (0..<min(count, 4096)).map { value(at: $0) }
        return (some.reduce(0) { $0 + $1 * $1 } / Float(max(1, some.count))).squareRoot()
    }
}

extension [DeviceWork] {
    /// Seconds in products.
    var products: Double { first { $0.name == DeviceWork.product }?.seconds ?? 0 }
}

import Activations
import Autoencoders
import Corpora
import EvalKit
import Kernels
import LanguageModels
import Tensors

/// Behaviour and loss with the reconstruction spliced in, the hook zeroed, and neither.
///
/// The clean suffix runs once per chunk for all autoencoders. Setting the whole residual stream to
/// zero makes all positions equal, since no architecture here adds positions after the embedding:
/// so one position decides the zero-ablated logits of all.
///
/// - Source: `get_recons_loss` of SAE Bench 0.6.0. Divergence is taken in log space, see the
///   README.
struct ReconstructionPhase {
    let settings: CoreSettings
    let context: any EvaluationContext

    private var hook: HookPoint { context.cohort.hook }

    func evaluate(
        _ batches: Range<Int>, subjects: [SubjectIndex]
    ) throws -> [SubjectIndex: Result<ReconstructionSums, any Error>] {
        let unit = LoadedSubjects(subjects, in: context)
        let chunks = Chunk.list(
            batches, settings: settings, first: 0, tokens: context.backend.chunks.logitsTokens,
            policy: context.backend.chunks, threads: context.threads)
        let model = try context.model
        let rows = try context.rows
        let ablated = try ablatedLogits(model)
        let pieces = unit.loaded.map { CodePieces(of: $0.autoencoder) }
        let results = try context.parallelChunks(chunks.count) { index in
            try ChunkEvaluation(
                phase: self, model: model, rows: chunks[index].rows,
                tokens: rows.rows(chunks[index].rows),
                ablated: ablated, pieces: pieces
            ).sums(of: unit)
        }
        return unit.results(results) { _, sums in sums.joined().reduce(ReconstructionSums(), +) }
    }

    /// The logits `[1, vocabulary]` of a zeroed residual stream; nil where the hook is only a part
    /// of it.
    private func ablatedLogits(_ model: any LanguageModel) throws -> Logits? {
        guard hook.restart == hook else { return nil }
        return try context.shared("core.ablated") {
            let zeros = Tensor(zeros: [1, context.cohort.model.modelSize])
            let pass = ForwardPass(
                start: .residual(zeros, beforeBlock: hook.firstBlockAfter), end: .logits, batch: 1,
                positions: 1)
            return try Logits(try model.run(pass).logits, on: context.backend)
        }
    }

    /// Logits and the logarithms of their normalisers.
    struct Logits: Sendable {
        var values: Tensor
        var logSumExp: [Double]

        /// - Precondition: the pass whose logits they are did not end before them.
        init(_ values: Tensor?, on backend: any KernelBackend) throws {
            guard let values else { preconditionFailure("the pass ended before the logits") }
            self.values = values
            logSumExp = try backend.logSumExp(values)
        }

        /// Cross entropy of one token at each row; one row serves all.
        func losses(of tokens: [Int32], on backend: any KernelBackend) throws -> [Double] {
            guard values.rows == 1, tokens.count != 1 else {
                return try zip(logSumExp, backend.elements(of: values, at: tokens)).map {
                    $0 - Double($1)
                }
            }
            let row = values.constantFloats
            return tokens.map { logSumExp[0] - Double(row[Int($0)]) }
        }
    }

    /// The evaluation of one chunk.
    struct ChunkEvaluation {
        let phase: ReconstructionPhase
        let model: any LanguageModel
        let rows: Range<Int>
        let tokens: [Int32]
        let ablated: Logits?
        /// For each autoencoder how many rows it encodes at a time.
        let pieces: [CodePieces]

        private var context: any EvaluationContext { phase.context }
        private var hook: HookPoint { phase.hook }

        /// For each autoencoder the sums of each row.
        func sums(of unit: LoadedSubjects) throws -> [Result<[ReconstructionSums], any Error>] {
            let x = try context.activations(at: hook, rows: rows)
            let restart =
                hook.restart == hook ? x : try context.activations(at: hook.restart, rows: rows)
            let clean = try logits(restart: restart, replacement: nil)
            let kept = tokens.map { !context.cohort.specialTokens.contains($0) }
            let shared = try ablatedSums(x, restart: restart, clean: clean, kept: kept)
            return zip(unit.loaded, pieces).map { entry, pieces in
                Result {
                    let spliced = try logits(
                        restart: restart,
                        replacement: try reconstruction(
                            of: x, by: entry.autoencoder, pieces, kept: kept))
                    return try sums(adding: spliced, clean: clean, kept: kept, to: shared)
                }
            }
        }

        /// What does not depend on any autoencoder; the ablated logits are released when it
        /// returns, so that no more than two of a chunk are held at a time.
        @inline(never)
        private func ablatedSums(_ x: Tensor, restart: Tensor, clean: Logits, kept: [Bool]) throws
            -> [ReconstructionSums]
        {
            let ablated =
                try self.ablated ?? logits(restart: restart, replacement: Tensor(zeros: x.shape))
            return try sharedSums(clean: clean, ablated: ablated, kept: kept)
        }

        private func reconstruction(
            of x: Tensor, by autoencoder: any Autoencoder, _ pieces: CodePieces, kept: [Bool]
        ) throws -> Tensor {
            var y = try decoded(x, by: autoencoder, pieces)
            if let type = ElementType(rawValue: context.cohort.activationType), type != .float32 {
                y = try context.backend.widen(try context.backend.convert(y, to: type))
            }
            if phase.settings.excludeSpecialTokensFromReconstruction {
                try context.backend.replaceRows(of: y, with: x, where: kept.map { !$0 })
            }
            return y
        }

        /// What an autoencoder makes of activations, which are encoded piece by piece.
        private func decoded(
            _ x: Tensor, by autoencoder: any Autoencoder, _ pieces: CodePieces
        ) throws -> Tensor {
            var parts: [Tensor] = []
            let cuts = Array(stride(from: 0, to: x.rows, by: CodePieces.firstRows)) + [x.rows]
            let encoding = { (x: Tensor) in try autoencoder.encode(x, on: context.backend) }
            try context.forEachPiece(of: x, cuts: cuts, pieces, encoding: encoding) {
                parts.append(try autoencoder.decode($2, of: $1, on: context.backend))
            }
            guard parts.count != 1 else { return parts[0] }
            let whole = Tensor(uninitialized: x.shape)
            var target = whole.floats
            for part in parts {
                target.update(from: part.constantFloats, count: part.count)
                target += part.count
            }
            return whole
        }

        /// Runs the rest of the model, with the hook replaced when a replacement is given.
        private func logits(restart: Tensor, replacement: Tensor?) throws -> Logits {
            let isStream = hook.restart == hook
            var pass = ForwardPass(
                start: .residual(
                    isStream ? replacement ?? restart : restart, beforeBlock: hook.firstBlockAfter),
                end: .logits, batch: rows.count, positions: phase.settings.contextSize)
            if !isStream, let replacement { pass.interventions = [hook: [{ _ in replacement }]] }
            return try Logits(try model.run(pass).logits, on: context.backend)
        }

        /// What does not depend on any autoencoder, row by row.
        private func sharedSums(clean: Logits, ablated: Logits, kept: [Bool]) throws
            -> [ReconstructionSums]
        {
            let divergence = try context.backend.divergence(
                clean: clean.values, cleanLogSumExp: clean.logSumExp, changed: ablated.values,
                changedLogSumExp: ablated.logSumExp)
            let (cleanLosses, ablatedLosses) = (
                try clean.losses(of: successors, on: context.backend),
                try ablated.losses(of: successors, on: context.backend)
            )
            var sums = [ReconstructionSums](repeating: ReconstructionSums(), count: rows.count)
            forEachKept(kept) { token, row, hasSuccessor in
                sums[row].tokens += 1
                sums[row].divergenceWithAblation += divergence[token]
                guard hasSuccessor else { return }
                sums[row].lossTokens += 1
                sums[row].lossWithoutSAE += cleanLosses[token]
                sums[row].lossWithAblation += ablatedLosses[token]
            }
            return sums
        }

        private func sums(
            adding spliced: Logits, clean: Logits, kept: [Bool], to shared: [ReconstructionSums]
        ) throws -> [ReconstructionSums] {
            let divergence = try context.backend.divergence(
                clean: clean.values, cleanLogSumExp: clean.logSumExp, changed: spliced.values,
                changedLogSumExp: spliced.logSumExp)
            let losses = try spliced.losses(of: successors, on: context.backend)
            var sums = shared
            forEachKept(kept) { token, row, hasSuccessor in
                sums[row].divergenceWithSAE += divergence[token]
                if hasSuccessor { sums[row].lossWithSAE += losses[token] }
            }
            return sums
        }

        /// The token after each; after the last one token 0, which no loss uses.
        private var successors: [Int32] { tokens.dropFirst() + [0] }

        /// Visits every kept token with its row and whether it has a successor there.
        private func forEachKept(_ kept: [Bool], _ body: (Int, Int, Bool) -> Void) {
            let positions = phase.settings.contextSize
            for token in kept.indices where kept[token] {
                body(token, token / positions, token % positions != positions - 1)
            }
        }
    }
}

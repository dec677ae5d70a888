import Activations
import Autoencoders
import Corpora
import EvalKit
import Kernels
import LanguageModels

/// What tasks hold at once: chunks of tokens on all threads, and what is kept of them.
struct TaskSizes {
    /// The plan.
    let plan: RunPlan
    /// Threads of the rank.
    let threads: Int
    /// How rows are cut.
    let chunks: ChunkPolicy
    /// How many latents fire.
    let rates: FiringRates

    /// Bytes that each thread needs besides: a piece of packed weights, its stack, small pieces.
    private static let threadBytes = 2 << 20

    /// Takes a plan.
    init(_ plan: RunPlan, threads: Int, chunks: ChunkPolicy, rates: FiringRates) {
        (self.plan, self.threads, self.chunks, self.rates) = (plan, threads, chunks, rates)
    }

    /// The width of the residual stream or of the heads, the larger.
    private var width: Int { max(plan.model.modelSize, plan.model.headsSize) }

    /// Kept blocks of memory come on top of those in use.
    private func withKept(_ bytes: Int) -> Int {
        Int(Double(bytes) * (1 + PlanMemory.keptShare))
    }

    /// Tokens of one thread's chunk: whole sequences, fewer where threads would be idle.
    private func chunkTokens(_ most: Int, of tokens: Int, positions: Int) -> Int {
        positions
            * chunks.size(
                most: most / max(1, positions), of: max(1, tokens / max(1, positions)),
                threads: threads)
    }

    /// Threads that have something to do.
    private func workers(_ chunk: Int, of tokens: Int) -> Int {
        max(1, min(chunks.threads(threads), (tokens + chunk - 1) / max(1, chunk)))
    }

    // MARK: - Blocks of the activation store

    /// One block of a row set at some hooks: a pass on each thread, and what is stored.
    func harvest(_ rowSet: Int, hooks: [HookPoint]) -> [PlanMemory.Term] {
        let set = plan.rowSets[rowSet]
        let tokens = min(
            set.tokens,
            set.tokens * set.blockRows / max(1, set.storedRows) + set.request.contextSize)
        let chunk = chunkTokens(chunks.tokens, of: tokens, positions: set.positions)
        let pass =
            plan.model.peakActivationBytes(tokens: chunk, unembedding: false)
            + 4 * chunk * width * hooks.count
        let stored = hooks.reduce(0) {
            $0 + set.blockRows * plan.model.size(at: $1) * plan.activationType.byteCount
        }
        return [
            passes(workers(chunk, of: tokens), pass),
            PlanMemory.Term("activations to be stored", stored),
        ]
    }

    /// Passes through the model on some threads.
    private func passes(_ workers: Int, _ bytes: Int) -> PlanMemory.Term {
        PlanMemory.Term(
            "activations on \(workers) thread\(workers == 1 ? "" : "s")",
            withKept(workers * bytes) + workers * Self.threadBytes)
    }

    // MARK: - Units

    /// One unit.
    ///
    /// - Parameter references: autoencoders that it takes; none where it needs the model alone.
    func unit(_ unit: RunPlan.UnitPlan, of references: [AutoencoderReference]) -> [PlanMemory.Term]
    {
        let rowSets = Set(unit.reads.map { plan.activationSets[$0].rowSet })
        let input = rowSets.max { plan.rowSets[$0].tokens < plan.rowSets[$1].tokens }
        let size = plan.model.size(at: plan.cohorts[unit.cohort].cohort.hook)
        switch unit.memory.kind {
        case .little: return []
        case .logits: return logits(unit.memory, input, references)
        case .codes: return codes(unit.memory, input, references, size: size)
        case .textActivations, .textLatents, .lastLatents:
            guard let input, case .texts(let request) = plan.rowSets[input].request else {
                return []
            }
            let set = plan.rowSets[input]
            let texts =
                request.stored == .last
                ? set.storedRows : min(set.storedRows, (try? request.size())?.texts ?? 0)
            return pooled(unit.memory, set, texts: texts, references, size: size)
        }
    }

    /// Clean and changed logits, and before the changed ones the codes.
    private func logits(
        _ memory: UnitMemory, _ input: Int?, _ references: [AutoencoderReference]
    ) -> [PlanMemory.Term] {
        let positions = input.map { plan.rowSets[$0].positions } ?? 1
        let n = chunkTokens(chunks.logitsTokens, of: memory.tokens, positions: positions)
        let workers = workers(n, of: memory.tokens)
        let one = plan.model.logitsBytes(tokens: n)
        let row = 4 * n * width
        let pass = max(
            plan.model.peakActivationBytes(tokens: n),
            references.map { encode($0, rows: n) }.max() ?? 0)
        return [
            PlanMemory.Term("clean logits", withKept(workers * one)),
            passes(workers, pass + 2 * row),
        ]
    }

    /// Distances from the mean of each batch, then codes and reconstructions.
    private func codes(
        _ memory: UnitMemory, _ input: Int?, _ references: [AutoencoderReference], size: Int
    ) -> [PlanMemory.Term] {
        let positions = input.map { plan.rowSets[$0].positions } ?? 1
        let n = chunkTokens(chunks.tokens, of: memory.tokens, positions: positions)
        let workers = workers(n, of: memory.tokens)
        let counts = references.reduce(0) { $0 + 16 * $1.latents }
        let encoding = references.map { encode($0, rows: n, together: positions) }.max() ?? 0
        let spread = 4 * size * (memory.tokens + workers * n)
        return [
            passes(workers, max(encoding + 8 * n * size, spread / workers)),
            PlanMemory.Term("counts of latents", counts),
        ]
    }

    /// One row for each text, and chunks of tokens on the way.
    private func pooled(
        _ memory: UnitMemory, _ set: RowSet, texts: Int,
        _ references: [AutoencoderReference], size: Int
    ) -> [PlanMemory.Term] {
        let tokens = set.storedRows
        let n = min(tokens, chunks.size(most: 2 * chunks.tokens, of: tokens, threads: threads))
        let workers = workers(n, of: tokens)
        let perText = Double(tokens) / Double(max(1, texts))
        let held = Double(texts) * memory.share
        switch memory.kind {
        case .textLatents:
            let rows =
                references.map { reference in
                    held * rates.latents(of: reference, tokens: perText)
                        * Double(CodePieces.bytesOfCode)
                }.max() ?? 0
            let widest = references.map(\.latents).max() ?? 0
            let probes = memory.trainsProbes ? threads * 40 * widest : 0
            let encoding =
                references.map {
                    encode($0, rows: n, together: Int(perText)) + 12 * $0.latents
                }.max() ?? 0
            return [
                PlanMemory.Term("latents of all texts", Int(rows) + probes),
                passes(workers, encoding + 4 * n * size),
            ]
        case .lastLatents:
            let codes = references.map { held * rates.latents(of: $0, tokens: 1) }.max() ?? 0
            // As many texts as are encoded at once.
            let block = min(texts, 256)
            let encoding = references.map { encode($0, rows: block, together: block) }.max() ?? 0
            return [
                PlanMemory.Term(
                    "latents of all texts", Int(codes * Double(CodePieces.bytesOfCode))),
                passes(self.workers(block, of: texts), encoding),
                PlanMemory.Term("activations of all texts", 4 * texts * size),
            ]
        default:
            return [
                PlanMemory.Term("activations of all texts", 8 * texts * size),
                passes(workers, 4 * n * size),
            ]
        }
    }

    // MARK: - Encoding

    /// Encoding and decoding of a chunk, piece by piece.
    ///
    /// - Parameters:
    ///   - rows: of the chunk.
    ///   - together: rows that may not be cut.
    private func encode(
        _ reference: AutoencoderReference, rows: Int, together: Int = 1
    ) -> Int {
        let rate = max(1, rates.codes(of: reference))
        let code = Double(CodePieces.bytesOfCode)
        let piece = min(rows, max(together, Int(Double(CodePieces.bytes) / (code * rate))))
        let packed = min(piece, 1024)
        let tile = 4 * packed * (reference.modelSize + min(reference.latents, 960))
        let codes = Int(Double(piece) * rate * code)
        // Entries while they are gathered, with room to grow or for k, and codes made of them.
        let entries =
            reference.fixedCodes.map { packed * (2 * $0 + 240) * 8 }
            ?? max(512 * packed, 2 * codes)
        let isDense = rate > 0.1 * Double(reference.latents) && rate > 64
        let decoded =
            4 * piece * reference.modelSize
            + (isDense ? 4 * min(piece, 512) * (reference.latents + reference.modelSize) : 0)
        return max(tile + entries + codes, codes + decoded)
    }
}

import Activations
import Autoencoders
import Basics
import Kernels
import LanguageModels
import Tensors

extension FiringRates {
    /// Tokens of a sample.
    private static let sampleTokens = 64
    /// Autoencoders that are sampled; the others count as those of their kind.
    private static let mostSampled = 16
    /// Operations beyond which a sample is not taken: some seconds of one core.
    private static let mostOperations = 5e11

    /// Counts the latents that fire on some tokens, as those of an input of the plan where one is
    /// on disk, so that plans tell the memory of autoencoders of which nothing says how many fire.
    ///
    /// - Parameter tokens: of one text; random ones without.
    /// - Returns: what files say where nothing can be loaded, or where that takes long.
    /// - Cost: one pass over 64 tokens up to the last hook and their codes.
    init(sampling plan: RunPlan, tokens: [Int32]?) {
        self.init()
        let hooks = Set(plan.cohorts.map(\.cohort.hook))
        let cost = plan.model.forwardOperations(
            tokens: Self.sampleTokens, positions: Self.sampleTokens,
            blocks: 0..<(hooks.map(\.firstBlockAfter).max() ?? 0), unembedding: false)
        guard !plan.modelFolder.isEmpty, cost < Self.mostOperations else { return }
        let backend = CPUBackend()
        let row = Self.row(tokens, of: plan.model)
        guard let model = try? loadLanguageModel(folder: plan.modelFolder, backend: backend),
            let pass = try? model.run(
                ForwardPass(
                    start: .tokens(row), end: .lastCapture, batch: 1, positions: row.count,
                    captures: hooks))
        else { return }
        var sums: [String: (codes: Double, variety: Double, count: Double)] = [:]
        for (reference, x) in Self.sampled(of: plan, pass.captured) {
            guard let count = try? Self.count(reference, x, on: backend) else { continue }
            counted[reference.path] = count
            let sum = sums[Self.kind(of: reference)] ?? (0, 0, 0)
            sums[Self.kind(of: reference)] =
                (sum.codes + count.codes, sum.variety + count.variety, sum.count + 1)
        }
        siblings = sums.mapValues {
            Count(codes: $0.codes / $0.count, variety: $0.variety / $0.count)
        }
    }

    /// Whether memory depends on what a sample tells: where an architecture does not fix how many
    /// latents fire, or units hold the latents of whole texts, of which several tokens may share some.
    static func needSample(_ plan: RunPlan) -> Bool {
        plan.cohorts.contains { $0.cohort.subjects.contains { $0.reference.fixedCodes == nil } }
            || plan.units.contains { [.textLatents, .lastLatents].contains($0.memory.kind) }
    }

    /// The autoencoders that are sampled, those of different kinds first, and their activations.
    private static func sampled(
        of plan: RunPlan, _ captured: [HookPoint: Tensor]
    ) -> [(AutoencoderReference, Tensor)] {
        var (first, more): ([(AutoencoderReference, Tensor)], [(AutoencoderReference, Tensor)]) =
            ([], [])
        var kinds: Set<String> = []
        for cohort in plan.cohorts {
            guard let x = captured[cohort.cohort.hook] else { continue }
            for reference in cohort.cohort.subjects.map(\.reference) {
                if kinds.insert(kind(of: reference)).inserted {
                    first.append((reference, x))
                } else {
                    more.append((reference, x))
                }
            }
        }
        return Array((first + more).prefix(mostSampled))
    }

    /// Counts the codes of one autoencoder.
    private static func count(
        _ reference: AutoencoderReference, _ x: Tensor, on backend: some KernelBackend
    ) throws -> Count {
        let codes = try loadAutoencoder(reference).encode(x, on: backend)
        let mean = Double(codes.values.count) / Double(max(1, codes.rows))
        let expected = atRandom(
            codes: mean, of: Double(reference.latents), tokens: Double(codes.rows))
        return Count(
            codes: mean,
            variety: expected > 0 ? Double(Set(codes.indices).count) / expected : 1)
    }

    /// The tokens of the sample.
    private static func row(_ tokens: [Int32]?, of model: ModelDescription) -> [Int32] {
        let count = min(sampleTokens, model.contextSize)
        if let tokens, !tokens.isEmpty { return Array(tokens.prefix(count)) }
        var random = MersenneTwister(seed: 1)
        return (0..<count).map { _ in Int32(random.next() % UInt32(model.vocabulary)) }
    }
}

extension Planner {
    /// How many latents of a plan's autoencoders fire, from a small sample where files do not say it.
    public func firingRates(of plan: RunPlan) -> FiringRates {
        guard FiringRates.needSample(plan) else { return FiringRates() }
        let text = plan.rowSets.lazy.compactMap { set -> [Int32]? in
            guard case .texts = set.request,
                let rows = texts.look(at: set.key) ?? (try? RowStore.loadTexts(set)),
                let text = (0..<rows.count).first(where: {
                    rows.starts[$0 + 1] - rows.starts[$0] > 8
                })
            else { return nil }
            return Array(rows.tokens[rows.starts[text]..<rows.starts[text + 1]])
        }.first
        let rates = FiringRates(sampling: plan, tokens: text)
        LargeMemory.releaseKept()
        giveFreedMemoryBack()
        return rates
    }
}

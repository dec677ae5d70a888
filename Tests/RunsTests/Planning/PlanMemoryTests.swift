import Autoencoders
import Basics
import Corpora
import EvalKit
import Evals
import Kernels
import LanguageModels
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

/// The memory of the toy plan.
private func memory(
    _ plan: RunPlan = toyPlan(), threads: Int = 1, chunks: ChunkPolicy = .processor,
    rates: FiringRates = FiringRates()
) -> PlanMemory {
    PlanMemory(plan, threads: threads, chunks: chunks, programBytes: 1000, rates: rates)
}

/// The bytes of a term, 0 without one.
private func bytes(_ name: String, _ memory: PlanMemory) -> Int {
    memory.terms.first { $0.name.hasPrefix(name) }?.bytes ?? 0
}

/// A plan that reads labelled texts, with a unit of one kind.
private func textPlan(_ kind: UnitMemory.Kind, latents: Int, architecture: String = "standard")
    -> RunPlan
{
    var plan = toyPlan(rows: 4000)
    let request = TextRequest(
        dataset: "d",
        selection: .classes(train: 600, test: 200, seed: 1, classes: ["a", "b"]),
        contextLength: 16)
    plan.rowSets[0].request = .texts(request)
    plan.cohorts[0].cohort.subjects[0].reference.latents = latents
    plan.cohorts[0].cohort.subjects[0].reference.architecture = architecture
    plan.units[0].memory = UnitMemory(kind)
    return plan
}

struct PlanMemoryTests {
    @Test("The peak is the sum of its terms, the largest first, the program among them")
    func terms() {
        let memory = memory()
        #expect(memory.bytes == memory.terms.reduce(0) { $0 + $1.bytes })
        #expect(memory.terms.map(\.bytes) == memory.terms.map(\.bytes).sorted(by: >))
        #expect(memory.terms.allSatisfy { $0.bytes > 0 })
        #expect(bytes("the program", memory) == 1000)
    }

    @Test("Blocks behind the hook and the unembedding count where logits are computed")
    func modelWeights() {
        var plan = toyPlan()
        plan.modelBytes = 600  // one byte for each of 2 · 100 + 400 parameters
        // Block 0 for the activations, block 1 and a table of 50 · 8 for the logits.
        #expect(bytes("weights of the model", memory(plan)) == 600)
        plan.units[0].memory = UnitMemory(.codes, tokens: 32)
        #expect(bytes("weights of the model", memory(plan)) == 100)
        plan.modelBytes = 0
        #expect(bytes("weights of the model", memory(plan)) == 400)
    }

    @Test("Stored activations need no block before the hook")
    func storedActivations() throws {
        let folder = try TemporaryFolder()
        var plan = toyPlan()
        plan.modelBytes = 600
        plan.activationSets[0].path = try folder.write("x", to: "a.h5")
        #expect(bytes("weights of the model", memory(plan)) == 500)
    }

    @Test("All autoencoders at a hook count, those of the largest cohort")
    func autoencoders() {
        var plan = toyPlan(rows: 4000)
        let one = bytes("autoencoders", memory(plan))
        plan.cohorts[0].cohort.subjects += plan.cohorts[0].cohort.subjects
        #expect(one > 0 && bytes("autoencoders", memory(plan)) == 2 * one)
        plan.cohorts.append(plan.cohorts[0])
        #expect(bytes("autoencoders", memory(plan)) == 2 * one)
    }

    @Test("Each thread holds clean logits of its own", arguments: [1, 2, 4])
    func logits(threads: Int) {
        let plan = toyPlan(rows: 4000)
        let logits = bytes("clean logits", memory(plan, threads: threads))
        let expected = Double(threads * 512 * 50 * 4) * (1 + PlanMemory.keptShare)
        #expect(logits == Int(expected))
    }

    @Test("Half the tokens at a time take half the logits")
    func halves() throws {
        let plan = toyPlan(rows: 4000)
        let half = try #require(ChunkPolicy.processor.halved)
        let whole = bytes("clean logits", memory(plan))
        #expect(bytes("clean logits", memory(plan, chunks: half)) == whole / 2)
        #expect(half.tokens == 512 && half.logitsTokens == 256)
        #expect(CUDABackend.largestChunks.halved == nil)
    }

    @Test("Pieces of work are halved until the run fits, and no further")
    func fitting() {
        let plan = toyPlan(rows: 4000)
        let fit = { (bytes: Int?) in
            PlanEstimate.fitting(
                plan, threads: 4, chunks: .processor, localRanks: 2,
                limit: bytes.map { MemoryLimit(bytes: $0, isAsked: true) },
                programBytes: 0, rates: FiringRates())
        }
        let whole = fit(nil)
        #expect(whole.chunks == .processor)
        let least = fit(0)
        #expect(least.chunks.tokens == 32 && least.chunks.halved == nil)
        #expect(least.estimate.peakBytes < whole.estimate.peakBytes)
        let middle = fit(2 * whole.estimate.peakBytes - 1)
        #expect(middle.chunks.tokens == 512)
        #expect(fit(2 * whole.estimate.peakBytes).chunks == .processor)
    }

    @Test("Mapped weights count against a limit that is asked for, and else are only noted")
    func files() throws {
        var plan = toyPlan(rows: 4000)
        plan.modelBytes = 1 << 40
        let estimate = PlanEstimate(plan, threads: 1, programBytes: 0)
        let limit = MemoryLimit(bytes: 1 << 39, isAsked: false)
        try estimate.check(localRanks: 4, limit: limit)
        let note = try #require(estimate.weightsNote(localRanks: 4, limit: limit))
        #expect(note.contains("1.0 TiB of weights") && note.contains("512.0 GiB"))
        let asked = MemoryLimit(bytes: 1 << 39, isAsked: true)
        #expect(throws: RunError.self) { try estimate.check(localRanks: 4, limit: asked) }
        #expect(
            estimate.weightsNote(localRanks: 4, limit: .init(bytes: 1 << 42, isAsked: false)) == nil
        )
    }

    @Test("Rank 0 alone keeps partial results and writes, every rank keeps the rest")
    func holders() {
        var plan = toyPlan(rows: 4000)
        plan.units[0].memory = UnitMemory(.codes, tokens: 32)
        let memory = memory(plan)
        let terms = ["partial results", "the result that is written"].map { bytes($0, memory) }
        #expect(terms.allSatisfy { $0 > 0 })
        let partials = terms.reduce(0, +)
        #expect(memory.nodeBytes(ranks: 1, withFiles: true) == memory.bytes)
        #expect(
            memory.nodeBytes(ranks: 3, withFiles: true) == 3 * (memory.bytes - partials) + partials)
    }

    @Test("Latents of texts count as many as fire, up to all of them")
    func latentsOfTexts() {
        let plan = textPlan(.textLatents, latents: 1000)
        var rates = FiringRates()
        let reference = plan.cohorts[0].cohort.subjects[0].reference
        rates.counted[reference.path] = .init(codes: 500, variety: 1)
        let dense = bytes("latents of all texts", memory(plan, rates: rates))
        // 800 texts, all 1000 latents, 8 bytes each.
        #expect(abs(Double(dense) / 6_400_000 - 1) < 0.02)
        rates.counted[reference.path] = .init(codes: 1, variety: 1)
        #expect(bytes("latents of all texts", memory(plan, rates: rates)) < dense / 20)
    }

    @Test("Of equally wide autoencoders at one hook the one with the most codes counts")
    func mostCodes() {
        var plan = textPlan(.textLatents, latents: 1000)
        var other = plan.cohorts[0].cohort.subjects[0]
        other.reference.path += "/other"
        plan.cohorts[0].cohort.subjects.append(other)
        plan.units.append(plan.units[0])
        plan.units[1].subjects = [SubjectIndex(1)]
        var rates = FiringRates()
        for subject in plan.cohorts[0].cohort.subjects {
            rates.counted[subject.reference.path] = .init(codes: 1, variety: 1)
        }
        let few = bytes("latents of all texts", memory(plan, rates: rates))
        rates.counted[other.reference.path] = .init(codes: 500, variety: 1)
        #expect(few > 0 && bytes("latents of all texts", memory(plan, rates: rates)) > 20 * few)
    }
}

struct FiringRatesTests {
    @Test("Codes drawn at random overlap", arguments: [(1.0, 10.0), (2, 19), (1000, 100)])
    func atRandom(tokens: Double, latents: Double) {
        let count = FiringRates.atRandom(codes: 10, of: 100, tokens: tokens)
        #expect(abs(count - latents) < 1e-9)
    }

    @Test("What is counted goes before what a name says, and k before both")
    func order() {
        var reference = toyReference()
        reference.latents = 4096
        reference.architecture = "jumprelu"
        var rates = FiringRates()
        #expect(rates.codes(of: reference) == FiringRates.assumed)
        reference.id = "layer_12/width_16k/average_l0_82"
        #expect(rates.codes(of: reference) == 82)
        rates.siblings[FiringRates.kind(of: reference)] = .init(codes: 50, variety: 1)
        #expect(rates.codes(of: reference) == 50)
        rates.counted[reference.path] = .init(codes: 40, variety: 1)
        #expect(rates.codes(of: reference) == 40)
        reference.architecture = "topk"
        reference.configuration = .object(["k": .integer(16)])
        #expect(rates.codes(of: reference) == 16)
    }

    @Test("A sample counts the latents that fire on a text of the quickstart")
    func sample() throws {
        let plan = try quickstartPlanner().plan(requiringSpace: false)
        let rates = FiringRates(sampling: plan, tokens: [0, 5, 6, 7, 8, 9, 10, 11, 12])
        #expect(rates.counted.count == 16)
        #expect(rates.counted.values.allSatisfy { $0.codes > 0 && $0.variety > 0 })
        for (path, count) in rates.counted where path.hasSuffix("__topk") {
            #expect(count.codes <= 16)
        }
    }

    @Test("A sample is taken only where it decides about memory")
    func need() throws {
        let planner = try quickstartPlanner()
        var plan = try planner.plan(requiringSpace: false)
        #expect(!planner.firingRates(of: plan).counted.isEmpty)
        for index in plan.cohorts.indices {
            plan.cohorts[index].cohort.subjects.removeAll { $0.reference.fixedCodes == nil }
        }
        #expect(plan.cohorts.contains { !$0.cohort.subjects.isEmpty })
        #expect(planner.firingRates(of: plan).counted.isEmpty)
        plan.units[0].memory = UnitMemory(.textLatents)
        #expect(!planner.firingRates(of: plan).counted.isEmpty)
    }

    /// Plans core for the autoencoders of the quickstart.
    private func quickstartPlanner() throws -> Planner {
        try Planner(
            configuration(
                """
                model: \(packageFolder)/configs/quickstart/model
                saes: [\(packageFolder)/configs/quickstart/saes/sae_lens]
                evals: {core: {dataset: c, context_size: 16, batch_size_prompts: 1, n_eval_reconstruction_batches: 1, n_eval_sparsity_variance_batches: 1}}
                datasets: {c: \(packageFolder)/configs/quickstart/toyworld/corpus/heldout.jsonl}
                output: /nowhere/out
                """), catalogue: evaluationCatalogue)
    }
}

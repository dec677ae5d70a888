import Basics
import EvalKit
import Kernels
import Testing

@testable import Evals

/// Settings with some batches.
private func settings(reconstruction: Int, sparsity: Int) -> CoreSettings {
    var settings = CoreSettings()
    (settings.nEvalReconstructionBatches, settings.nEvalSparsityVarianceBatches) = (
        reconstruction, sparsity
    )
    return settings
}

/// The ranges of a subject's units in one phase, in order.
private func ranges(
    _ units: [PlannedUnit<CoreUnit>], _ subject: SubjectIndex, _ phase: (CoreUnit) -> Range<Int>?
) -> [Range<Int>] {
    units.filter { $0.subjects.contains(subject) }.compactMap { phase($0.unit) }
}

/// The batches of a reconstruction unit.
private func reconstruction(_ unit: CoreUnit) -> Range<Int>? {
    if case .reconstruction(let range) = unit { range } else { nil }
}

/// The batches of a sparsity unit.
private func sparsity(_ unit: CoreUnit) -> Range<Int>? {
    if case .sparsity(let range) = unit { range } else { nil }
}

/// The latents of a weights unit.
private func weights(_ unit: CoreUnit) -> Range<Int>? {
    if case .weights(let range) = unit { range } else { nil }
}

struct CorePlanTests {
    /// Cohorts from one tiny autoencoder to many that are too wide to share a unit.
    static let cohorts = [
        toyCohort(modelSize: 8, latents: [16]),
        toyCohort(modelSize: 768, latents: [4096, 4097, 1, 12_288]),
        toyCohort(
            layers: 26, modelSize: 2304, latents: [Int](repeating: 65_536, count: 5),
            vocabulary: 256_000),
        toyCohort(layers: 4, modelSize: 128, latents: (1...60).map { $0 * 100 }),
    ]

    @Test(
        "Units cover every batch and latent of every autoencoder exactly once and in order",
        arguments: cohorts.indices, [(1, 1), (2, 3), (7, 1), (8, 9), (13, 101), (200, 2000)])
    func coverage(cohort: Int, batches: (reconstruction: Int, sparsity: Int)) throws {
        let cohort = Self.cohorts[cohort]
        let settings = settings(reconstruction: batches.reconstruction, sparsity: batches.sparsity)
        let units = try Core(settings: settings).units(for: cohort)
        for index in cohort.subjects.indices {
            let subject = SubjectIndex(index)
            for (phase, count) in [
                (reconstruction, batches.reconstruction), (sparsity, batches.sparsity),
                (weights, cohort.subjects[index].reference.latents),
            ] {
                let ranges = ranges(units, subject, phase)
                #expect(ranges.allSatisfy { !$0.isEmpty })
                #expect(ranges.flatMap { Array($0) } == Array(0..<count))
            }
        }
    }

    @Test(
        "Phases follow one another, and every unit serves somebody and costs something",
        arguments: cohorts.indices)
    func order(cohort: Int) throws {
        let cohort = Self.cohorts[cohort]
        let units = try Core(settings: settings(reconstruction: 10, sparsity: 20)).units(
            for: cohort)
        let phases = units.map {
            reconstruction($0.unit) != nil ? 0 : sparsity($0.unit) != nil ? 1 : 2
        }
        #expect(phases == phases.sorted())
        #expect(Set(phases) == [0, 1, 2])
        for unit in units {
            #expect(unit.cost > 0)
            #expect(!unit.subjects.isEmpty)
            #expect(unit.subjects == Set(unit.subjects).sorted())
        }
        #expect(Set(units.map { "\($0.unit) \($0.subjects)" }).count == units.count)
    }

    @Test("Equal settings and cohorts give equal units, whatever hook names, hashes and types are")
    func independence() throws {
        let settings = settings(reconstruction: 10, sparsity: 20)
        let describe = { (cohort: Cohort) in
            try Core(settings: settings).units(for: cohort).map {
                "\($0.unit) \($0.subjects) \($0.cost)"
            }
        }
        var other = Self.cohorts[1]
        (other.activationType, other.specialTokens, other.modelName) = (
            "bfloat16", [1, 2, 3], "another"
        )
        for index in other.subjects.indices { other.subjects[index].key = ContentHash.of("other") }
        #expect(try describe(other) == describe(Self.cohorts[1]))
    }

    @Test(
        "A phase of several batches splits, so that several ranks have work",
        arguments: [2, 7, 8, 9, 20, 200])
    func parallelism(batches: Int) throws {
        let units = try Core(settings: settings(reconstruction: batches, sparsity: 1)).units(
            for: Self.cohorts[0])
        #expect(units.filter { reconstruction($0.unit) != nil }.count >= min(batches, 5))
    }

    @Test("The rows asked for are those of both phases")
    func rows() throws {
        let settings = settings(reconstruction: 10, sparsity: 20)
        let input = try #require(Core(settings: settings).inputs(for: Self.cohorts[0]).first)
        guard case .rows(let request) = input else {
            Issue.record("the core evaluation reads packed rows")
            return
        }
        #expect(request.rows == 480)
        #expect(request.contextSize == 128)
        #expect(request.dataset == "Skylion007/openwebtext")
        #expect(request.prependsBOS)
    }

    @Test(
        "Chunks cover their batches in order, cross none and stay small",
        arguments: [(128, 16), (100, 5), (2, 1000), (600, 3), (512, 1), (7, 11)], [1, 2, 64])
    func chunks(shape: (contextSize: Int, rows: Int), threads: Int) {
        var settings = CoreSettings()
        (settings.contextSize, settings.batchSizePrompts) = shape
        let chunks = Chunk.list(
            3..<6, settings: settings, first: 40, tokens: 512, threads: threads)
        #expect(
            chunks.flatMap { Array($0.rows) } == Array(40 + 3 * shape.rows..<40 + 6 * shape.rows))
        #expect(chunks.count >= min(threads, 3 * shape.rows) / 2)
        for chunk in chunks {
            #expect(chunk.rows.count == 1 || chunk.rows.count * shape.contextSize <= 512)
            #expect((chunk.rows.lowerBound - 40) / shape.rows == chunk.batch)
            #expect((chunk.rows.upperBound - 1 - 40) / shape.rows == chunk.batch)
        }
    }
}

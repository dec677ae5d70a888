import Basics
import EvalKit
import Kernels
import Testing

@testable import Activations
@testable import Plans
@testable import Runs

/// The estimate of a plan for a program that takes nothing.
private func told(
    _ plan: RunPlan, threads: Int = 2, chunks: ChunkPolicy = .processor, programBytes: Int = 0
) -> PlanEstimate {
    PlanEstimate(plan, threads: threads, chunks: chunks, programBytes: programBytes)
}

struct PlanEstimateTests {
    @Test("A plan is counted from its parts")
    func counting() {
        let estimate = told(toyPlan())
        #expect(estimate.activationBytes == 4096)
        #expect(estimate.newBytes == 4096)
        #expect(estimate.unitOperations == 1e9)
        #expect(estimate.harvestOperations > 0)
        #expect(estimate.mappedBytes >= 1000)
        #expect(told(toyPlan(), threads: 8).peakBytes > estimate.peakBytes)
        #expect(told(toyPlan(rows: 4000)).peakBytes > estimate.peakBytes)
    }

    @Test("Activations that are there already cost nothing")
    func onDisk() throws {
        let folder = try TemporaryFolder()
        var plan = toyPlan()
        plan.activationSets[0].path = try folder.write("x", to: "a.h5")
        let estimate = told(plan)
        #expect(estimate.newBytes == 0)
        #expect(estimate.harvestOperations == 0)
        #expect(estimate.activationBytes == 4096)
    }

    @Test(
        "A plan that fits is let through, one that does not is refused with both sizes",
        arguments: [1, 3])
    func memory(ranks: Int) throws {
        let plan = toyPlan()
        let estimate = told(plan)
        let needed = estimate.peakBytes * ranks
        try estimate.check(localRanks: ranks, limit: .init(bytes: needed, isAsked: true))
        try estimate.check(localRanks: ranks, limit: nil)
        let error = try #require(throws: RunError.self) {
            try estimate.check(localRanks: ranks, limit: .init(bytes: needed - 1, isAsked: true))
        }
        #expect(error.code == .noMemory)
        #expect(error.message.contains(byteText(estimate.peakBytes)))
        #expect(error.message.contains("\(ranks) ranks"))
        #expect(error.advice?.contains("memory_gib") == true)
    }

    @Test(
        "Sizes are told as people read them",
        arguments: [
            (0, "0 B"), (1, "1 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
            (1 << 20, "1.0 MiB"),
            (1_610_612_736, "1.5 GiB"), (1 << 40, "1.0 TiB"), (1 << 50, "1.0 PiB"),
            (1 << 60, "1024.0 PiB"),
        ])
    func sizes(bytes: Int, text: String) { #expect(byteText(bytes) == text) }

    @Test(
        "Times are told as people read them",
        arguments: [
            (0, "0 s"), (-5, "0 s"), (0.4, "0 s"), (0.6, "1 s"), (59.4, "59 s"),
            (59.6, "1 min 00 s"),
            (130, "2 min 10 s"), (3599.6, "1 h 00 min"), (3900, "1 h 05 min"),
            (360_000, "100 h 00 min"),
            (.nan, "0 s"), (.infinity, "277777 h 46 min"),
        ] as [(Double, String)])
    func times(seconds: Double, text: String) { #expect(durationText(seconds) == text) }

    @Test(
        "One decimal is kept",
        arguments: [(1.25, "1.3"), (1, "1.0"), (0.04, "0.0"), (-2.36, "-2.4")])
    func decimals(value: Double, text: String) { #expect(oneDecimal(value) == text) }
}

import Basics
import Foundation
import Testing

extension ProgramTests {
    /// Memory that plans tell and runs take.
    @Suite("Memory")
    struct MemoryTests {
        /// The memory that a run was told to take and that each of its ranks took, by its log.
        private func memory(_ bench: Workbench) throws -> (told: Int, peaks: [Int]) {
            let lines = try String(contentsOfFile: "\(bench.output)/log.jsonl", encoding: .utf8)
                .split(separator: "\n")
            let end = try JSON(parsing: Array(try #require(lines.last).utf8), source: "log.jsonl")
            return (
                try #require(end["told_bytes"]?.integer),
                try #require(end["peak_bytes"]?.elements).compactMap(\.integer)
            )
        }

        @Test("A run takes as much memory as it was told, within a seventh", arguments: [nil, 2])
        func told(ranks: Int?) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                bench.small(["--threads", "2"], kinds: "relu|topk|gated"), ranks: ranks)
            #expect(ending.status == 0, "\(ending)")
            let (told, peaks) = try memory(bench)
            #expect(peaks.count == ranks ?? 1)
            let most = try #require(peaks.max())
            #expect(abs(Double(told) / Double(most) - 1) < 0.15, "told \(told), took \(most)")
            #expect(peaks.allSatisfy { $0 > told / 2 })
        }

        @Test("A run keeps to --memory-gib with smaller pieces, and gives the same numbers")
        func limit() throws {
            let (whole, less) = (try Workbench(), try Workbench())
            let flags = ["--threads", "4"]
            #expect(try whole.saeval(whole.small(flags)).status == 0)
            let (told, _) = try memory(whole)
            let limit = told - 6 << 20
            let gib = "\(Double(limit) / 1_073_741_824)"
            let ending = try less.saeval(less.small(flags + ["--memory-gib", gib]))
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains("to keep within memory"), "\(ending)")
            let (smaller, peaks) = try memory(less)
            #expect(smaller <= limit)
            #expect(try #require(peaks.first) <= limit, "took \(peaks), allowed \(limit)")
            #expect(try less.results().differences(from: try whole.results()) == [])
        }

        @Test("plan tells the peak and its parts, and check what may be used")
        func words() throws {
            let bench = try Workbench()
            let plan = try bench.saeval(bench.small(command: "plan"))
            #expect(plan.output.contains("of which the program and its libraries "), "\(plan)")
            let check = try bench.saeval(bench.small(["--memory-gib", "3"], command: "check"))
            #expect(check.output.contains("1 rank of a node may use 3.0 GiB"), "\(check)")
        }
    }
}

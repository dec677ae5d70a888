import Basics
import EvalKit
import Testing

@testable import Plans
@testable import Results
@testable import Runs

struct ResultQueueTests {
    /// A queue for a plan of some autoencoders, and its results.
    private func queue(_ folder: TemporaryFolder, _ releases: [String]) throws
        -> (ResultQueue, [ResultItem])
    {
        let plan = sumsPlan(folder, releases: releases)
        let items = PendingResults(plan) { _ in true }.items
        return (ResultQueue(try sumsWriter(plan), items: items), items)
    }

    private func path(_ folder: TemporaryFolder, _ release: String) -> String {
        "\(folder.path)/eval_results/sums/\(release)_blocks.0_a_eval_results.json"
    }

    @Test("A result and its lines are there while others are still to come")
    func early() async throws {
        let folder = try TemporaryFolder()
        let (queue, items) = try queue(folder, ["a", "b"])
        defer { queue.cancel() }
        queue.add(1, items[1], ["2"])
        for _ in 0..<500 where !fileExists("\(folder.path)/results.csv") {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(fileExists(path(folder, "b")) && !fileExists(path(folder, "a")))
        #expect(try readFile("\(folder.path)/results.csv").count > ResultRows.header.utf8.count)
        guard case .written(1, let result)? = queue.takeEnds().first else {
            Issue.record("no result is told")
            return
        }
        #expect(result.release == "b")
        #expect(queue.takeEnds().isEmpty)
    }

    @Test("A result that cannot be merged or written fails alone")
    func failsAlone() throws {
        let folder = try TemporaryFolder()
        let (queue, items) = try queue(folder, ["a", "b", "c"])
        // A folder stands where the file of the second should be.
        try makeFolder(path(folder, "b") + "/x")
        for (index, partial) in ["no number", "2", "3"].enumerated() {
            queue.add(index, items[index], [partial])
        }
        queue.finish()
        var (written, failed): ([Int], [Int]) = ([], [])
        for end in queue.takeEnds() {
            switch end {
            case .written(let index, _): written.append(index)
            case .failed(let index, let reason):
                failed.append(index)
                #expect(index == 0 || reason.contains(path(folder, "b")), "\(reason)")
            case .tableFailed, .note: continue
            }
        }
        #expect(failed == [0, 1] && written == [2])
        #expect(fileExists(path(folder, "c")))
        let table = String(decoding: try readFile("\(folder.path)/results.csv"), as: UTF8.self)
        #expect(table.contains("sums,c,"))
    }

    @Test("A table that cannot be written is told, and the results are there")
    func noTable() throws {
        let folder = try TemporaryFolder()
        let (queue, items) = try queue(folder, ["a"])
        try makeFolder("\(folder.path)/results.csv/x")
        queue.add(0, items[0], ["1"])
        queue.finish()
        let failures = queue.takeEnds().filter { if case .tableFailed = $0 { true } else { false } }
        #expect(!failures.isEmpty && fileExists(path(folder, "a")))
    }
}

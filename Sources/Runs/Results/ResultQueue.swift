import Basics
import Dispatch
import Kernels
import Results
import Synchronization

/// Merges and writes results on a thread of its own, one after the other and each on its own, so that
/// rank 0 hands out work meanwhile. A result that fails keeps none of the others.
///
/// The table of all results follows at most every ``tableSeconds``, and at the end.
final class ResultQueue: Sendable {
    /// What became of something that was handed in.
    enum End: Sendable {
        case written(Int, RunResult)
        case failed(Int, reason: String)
        case tableFailed(reason: String)
        case note(String)
    }

    /// A result whose partial results are all there.
    private struct Work {
        var index: Int
        var item: ResultItem
        var partials: [String]
    }

    /// Seconds between two versions of the table.
    static let tableSeconds = 5.0

    private let inbox = Mutex<[Work]>([])
    private let ends = Mutex<[End]>([])
    private let wake = DispatchSemaphore(value: 0)
    private let isClosed = Atomic<Bool>(false)
    private let thread = Mutex<BackgroundThread?>(nil)

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - items: all results of the plan in its order.
    ///   - hooks: those of results of earlier configs, by file.
    init(
        _ writer: ResultWriter, items: [ResultItem],
        hooks: [String: (name: String, layer: Int)] = [:]
    ) {
        let table = ResultTable(
            folder: writer.plan.output, files: items.map { writer.file(of: $0) }, hooks: hooks)
        thread.withLock {
            $0 = BackgroundThread("results") { [self] in work($0, writer, table) }
        }
    }

    /// Hands in a result.
    ///
    /// - Parameter index: its place in the plan, by which its end is told.
    func add(_ index: Int, _ item: ResultItem, _ partials: [String]) {
        inbox.withLock { $0.append(Work(index: index, item: item, partials: partials)) }
        wake.signal()
    }

    /// What happened since this was last asked.
    func takeEnds() -> [End] {
        ends.withLock { ends in
            defer { ends = [] }
            return ends
        }
    }

    /// Waits until everything that was handed in is written, and the table with it.
    func finish() {
        isClosed.store(true, ordering: .releasing)
        cancel()
    }

    /// Ends the thread after the result that it is at; without effect the second time.
    func cancel() {
        thread.withLock { thread in
            thread?.askToEnd()
            wake.signal()
            thread?.end()
            thread = nil
        }
    }

    // MARK: - On the thread

    private func work(_ thread: BackgroundThread, _ writer: ResultWriter, _ table: ResultTable) {
        var table = table
        var (isTableOld, nextTable) = (false, monotonicSeconds())
        while true {
            let mustFinish = isClosed.load(ordering: .acquiring)
            if thread.isEnding, !mustFinish { return }
            let next = inbox.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let next {
                write(next, writer, &table)
                isTableOld = true
            }
            let start = monotonicSeconds()
            // After a resumption many results come at once; the table waits for them a while.
            if isTableOld, start >= nextTable + (next == nil ? 0 : 60), !mustFinish {
                write(&table)
                let end = monotonicSeconds()
                (isTableOld, nextTable) = (false, end + max(Self.tableSeconds, 20 * (end - start)))
            }
            if next == nil, mustFinish { return write(&table) }
            if next == nil { _ = wake.wait(timeout: .now() + 0.2) }
        }
    }

    private func write(_ work: Work, _ writer: ResultWriter, _ table: inout ResultTable) {
        let end: End
        do {
            let (result, rows) = try writer.write(work.item, work.partials)
            table.set(writer.file(of: work.item), rows)
            end = .written(work.index, result)
        } catch {
            end = .failed(work.index, reason: "\(error)")
        }
        ends.withLock { $0.append(end) }
        // A result is a tree of many small pieces, which this thread alone would use again.
        giveFreedMemoryBack()
    }

    private func write(_ table: inout ResultTable) {
        do {
            let notes = try table.write()
            ends.withLock { $0 += notes.map { .note($0) } }
        } catch {
            ends.withLock { $0.append(.tableFailed(reason: "\(error)")) }
        }
    }
}

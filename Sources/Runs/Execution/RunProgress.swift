import Basics
import Dispatch

/// A progress line with the time that is left: live on a terminal, one plain line a minute
/// otherwise.
final class RunProgress {
    private let start = DispatchTime.now()
    private var lastPrint: DispatchTime?
    private var doneBefore = 0.0
    private var total = 0.0
    private var done = 0.0
    private var tasks = (done: 0, all: 0)

    /// Seconds since the run began.
    var seconds: Double { elapsed(since: start) }

    /// Begins.
    ///
    /// - Parameters:
    ///   - total: cost of all units.
    ///   - done: cost that an earlier run has paid.
    func begin(total: Double, done: Double, tasks: Int, doneTasks: Int) {
        self.tasks = (doneTasks, tasks)
        (self.total, self.done, doneBefore) = (total, done, done)
    }

    /// Adds tasks that turn out to be needed.
    func expect(cost: Double, tasks: Int) {
        total += cost
        self.tasks.all += tasks
    }

    /// Counts a finished task.
    func finish(cost: Double) {
        done += cost
        tasks.done += 1
        let interval = Console.isTerminal ? 0.2 : 60
        let isLast = tasks.done >= tasks.all
        let since = lastPrint ?? (Console.isTerminal ? nil : start)
        if let since, elapsed(since: since) < interval, !(isLast && Console.isTerminal) { return }
        lastPrint = .now()
        show()
    }

    /// Ends the live line.
    func end() { if Console.isTerminal, lastPrint != nil { Console.write("\r\u{1B}[K") } }

    private func show() {
        let passed = seconds
        let rate = (done - doneBefore) / max(passed, 1e-3)
        let left = rate > 0 ? durationText((total - done) / rate) : "?"
        let percent = Int((100 * min(done / max(total, 1), 1)).rounded(.down))
        let text =
            "\(tasks.done) of \(tasks.all) tasks, \(percent) %, \(durationText(seconds)) passed, \(left) left"
        Console.write(Console.isTerminal ? "\r\u{1B}[K\(text)" : "saeval: \(text)\n")
    }

    private func elapsed(since time: DispatchTime) -> Double {
        Double(DispatchTime.now().uptimeNanoseconds - time.uptimeNanoseconds) / 1e9
    }
}

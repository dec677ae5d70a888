import Dispatch

/// A progress line with the time that is left: live on a terminal, one plain line a minute
/// otherwise.
final class RunProgress {
    private let start = DispatchTime.now()
    private var lastPrint: DispatchTime?
    private var doneBefore = 0.0
    private var total = 1.0
    private var done = 0.0
    private var phase = ""
    private var phaseStart = DispatchTime.now()
    private var units = (done: 0, all: 0)

    /// Seconds since the run began.
    var seconds: Double { elapsed(since: start) }

    /// Begins a phase.
    ///
    /// - Parameters:
    ///   - total: cost of the whole phase.
    ///   - done: cost that an earlier run has paid.
    func begin(_ phase: String, units: Int, total: Double, done: Double, doneUnits: Int) {
        self.phase = phase
        self.units = (doneUnits, units)
        (self.total, self.done, doneBefore) = (max(total, 1), done, done)
        phaseStart = .now()
        lastPrint = nil
    }

    /// Counts a finished unit.
    func finish(cost: Double) {
        done += cost
        units.done += 1
        let interval = Console.isTerminal ? 0.2 : 60
        let isLast = units.done >= units.all
        if let lastPrint, elapsed(since: lastPrint) < interval, !(isLast && Console.isTerminal) {
            return
        }
        if lastPrint == nil, !Console.isTerminal, elapsed(since: phaseStart) < interval {
            return
        }
        lastPrint = .now()
        show()
    }

    /// Ends the live line.
    func end() { if Console.isTerminal, lastPrint != nil { Console.write("\r\u{1B}[K") } }

    private func show() {
        let passed = elapsed(since: phaseStart)
        let rate = (done - doneBefore) / max(passed, 1e-3)
        let left = rate > 0 ? durationText((total - done) / rate) : "?"
        let percent = Int((100 * min(done / total, 1)).rounded(.down))
        let text =
            "\(phase): \(units.done) of \(units.all) units, \(percent) %, \(durationText(seconds)) passed, \(left) left"
        Console.write(Console.isTerminal ? "\r\u{1B}[K\(text)" : "saeval: \(text)\n")
    }

    private func elapsed(since time: DispatchTime) -> Double {
        Double(DispatchTime.now().uptimeNanoseconds - time.uptimeNanoseconds) / 1e9
    }
}

import Basics
import Dispatch

/// A progress line of a download with rate and the time that is left: live on a terminal, one plain
/// line a minute otherwise.
public final class FetchProgress {
    /// Bytes that are to come.
    private let total: Int
    /// When it began.
    private let start = DispatchTime.now()
    /// Bytes that came and were kept.
    private var done = 0
    /// Bytes that came.
    private var received = 0
    /// When the line was printed last.
    private var lastPrint: DispatchTime?

    /// A download of some bytes.
    public init(total: Int) { self.total = total }

    /// Counts bytes that came, or below zero those that were thrown away.
    public func add(_ bytes: Int) {
        done += bytes
        received += max(0, bytes)
        let interval = Console.isTerminal ? 0.2 : 60
        guard elapsed(since: lastPrint ?? start) >= interval else { return }
        lastPrint = .now()
        Console.write(Console.isTerminal ? "\r\u{1B}[K\(text)" : "saeval: \(text)\n")
    }

    /// Ends the live line.
    public func end() { if Console.isTerminal, lastPrint != nil { Console.write("\r\u{1B}[K") } }

    /// The line.
    private var text: String {
        let rate = Double(received) / max(elapsed(since: start), 1e-3)
        let left = rate > 0 ? durationText(Double(max(0, total - done)) / rate) : "?"
        let percent = total > 0 ? min(100, max(0, Int(100 * Double(done) / Double(total)))) : 100
        return "fetching: \(byteText(max(0, done))) of \(byteText(total)), \(percent) %, "
            + "\(byteText(Int(rate)))/s, \(left) left"
    }

    /// Seconds since a time.
    private func elapsed(since time: DispatchTime) -> Double {
        Double(DispatchTime.now().uptimeNanoseconds - time.uptimeNanoseconds) / 1e9
    }
}

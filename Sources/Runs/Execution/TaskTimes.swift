import Basics
import Synchronization

/// Where the time of a task went.
struct TaskTimes: Codable, Sendable {
    /// Seconds in all.
    var seconds = 0.0
    /// Seconds of loading weights, of reading and of writing activations.
    var loading = 0.0
    var reading = 0.0
    var writing = 0.0
    /// Bytes of activations.
    var bytesRead = 0
    var bytesWritten = 0
    /// The most memory that the rank had used by the end of the task, in bytes.
    var peakBytes = 0
}

/// Counts where the time of the task at hand goes; several threads of the task may count at once.
final class TaskMeter: Sendable {
    private let times = Mutex(TaskTimes())

    /// Does something and adds the seconds that it took.
    ///
    /// - Parameters:
    ///   - part: what they count as.
    ///   - threads: how many threads do the like at the same time.
    func measure<Value>(
        _ part: WritableKeyPath<TaskTimes, Double> & Sendable, threads: Int = 1,
        _ body: () throws -> Value
    ) rethrows -> Value {
        let start = monotonicSeconds()
        defer {
            let seconds = (monotonicSeconds() - start) / Double(max(1, threads))
            times.withLock { $0[keyPath: part] += seconds }
        }
        return try body()
    }

    /// Adds bytes.
    func count(_ bytes: Int, _ part: WritableKeyPath<TaskTimes, Int> & Sendable) {
        times.withLock { $0[keyPath: part] += bytes }
    }

    /// The times of a task that took some seconds; begins anew.
    func take(seconds: Double) -> TaskTimes {
        times.withLock { times in
            defer { times = TaskTimes() }
            var result = times
            result.seconds = seconds
            result.peakBytes = ProcessMemory().peakBytes
            return result
        }
    }
}

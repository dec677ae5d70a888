import Basics
import Synchronization

/// Where the time of a task went.
package struct TaskTimes: Codable, Sendable {
    /// Seconds in all.
    package var seconds = 0.0
    /// Seconds of loading weights, of reading and of writing activations.
    package var loading = 0.0
    package var reading = 0.0
    package var writing = 0.0
    /// Bytes of activations.
    package var bytesRead = 0
    package var bytesWritten = 0
    /// The most memory that the rank had used by the end of the task, in bytes.
    package var peakBytes = 0

    /// No time at all.
    package init() {}
}

/// Counts where the time of the current task goes; several threads of the task may count at once.
package final class TaskMeter: Sendable {
    private let times = Mutex(TaskTimes())

    /// Does something and adds the seconds that it took.
    ///
    /// - Parameters:
    ///   - part: what they count as.
    ///   - threads: how many threads do the like at the same time.
    package func measure<Value>(
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
    package func count(_ bytes: Int, _ part: WritableKeyPath<TaskTimes, Int> & Sendable) {
        times.withLock { $0[keyPath: part] += bytes }
    }

    /// The times of a task that took some seconds; begins anew.
    package func take(seconds: Double) -> TaskTimes {
        times.withLock { times in
            defer { times = TaskTimes() }
            var result = times
            result.seconds = seconds
            result.peakBytes = ProcessMemory().peakBytes
            return result
        }
    }
}

import Basics
import Glibc
import Kernels
import OperationWalk
import Tensors

/// A walk over operations on one backend.
struct Walk {
    /// What is to be done.
    private var options: WalkOptions
    /// What is tried.
    private let backend: any KernelBackend
    /// Decides what is right.
    private let reference = ReferenceBackend()
    /// Operations that were not tried, for want of time.
    private var untried: [Operation] = []
    private let start = ContinuousClock.now

    init(options: WalkOptions, backend: any KernelBackend) {
        (self.options, self.backend) = (options, backend)
    }

    /// Tries every operation and says how it went.
    ///
    /// - Returns: whether all agree with the reference.
    mutating func run() -> Bool {
        while let operation = options.operations.first {
            options.operations.removeFirst()
            guard !isOver else {
                untried.append(operation)
                continue
            }
            // The name first: after a hang it is the last word.
            say(padded(operation.rawValue, to: 25))
            let began = ContinuousClock.now
            let tally = tried(operation)
            let seconds = formatted("%8.2f s", Self.seconds(since: began))
            say("\(padded("\(tally.checks) checks", to: 10))\(seconds)  \(tally.summary)\n")
            for failure in tally.failures.prefix(3) { say("    \(failure)\n") }
            if tally.failures.count > 3 { say("    and \(tally.failures.count - 3) more\n") }
            if !tally.failures.isEmpty { options.failed.append(operation) }
            if tally.isCut { untried.append(operation) }
            if tally.isDeviceLost { startAnew() }
        }
        return sumUp()
    }

    /// The last line.
    private func sumUp() -> Bool {
        var parts: [String] = []
        if !options.failed.isEmpty { parts.append("wrong: \(WalkOptions.list(options.failed))") }
        if !untried.isEmpty { parts.append("no time for \(WalkOptions.list(untried))") }
        say("result: \(parts.isEmpty ? "all agree" : parts.joined(separator: "; "))\n")
        return parts.isEmpty
    }

    /// Whether the time is up.
    private var isOver: Bool {
        options.limitSeconds.map { Self.seconds(since: start) > $0 } ?? false
    }

    /// Seconds since an instant.
    private static func seconds(since instant: ContinuousClock.Instant) -> Double {
        let parts = (ContinuousClock.now - instant).components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }
}

// MARK: - Checks

extension Walk {
    /// What became of the checks of one operation.
    struct Tally {
        /// How many were made.
        var checks = 0
        /// What is wrong.
        var failures: [String] = []
        /// The largest difference by type, and the tolerance of the type.
        var worst: [(type: ElementType, difference: Double, tolerance: Double)] = []
        /// Whether shapes were left out, for want of time.
        var isCut = false
        /// Whether the device computes nothing more.
        var isDeviceLost = false

        /// One line: the largest differences beside what is allowed.
        var summary: String {
            let parts = worst.map { entry in
                "\(entry.type.rawValue) \(formatted("%.1e", entry.difference)) of "
                    + formatted("%.1e", entry.tolerance)
            }
            let verdict = !failures.isEmpty ? "WRONG" : isCut ? "cut short" : "ok"
            return (parts + [verdict]).joined(separator: "  ")
        }

        /// Keeps the larger of two differences.
        mutating func note(_ difference: Double, _ type: ElementType, _ tolerance: Double) {
            if let index = worst.firstIndex(where: { $0.type == type }) {
                worst[index].difference = max(worst[index].difference, difference)
            } else {
                worst.append((type: type, difference: difference, tolerance: tolerance))
            }
        }
    }

    /// Tries all shapes of an operation, until the device is lost.
    private func tried(_ operation: Operation) -> Tally {
        var tally = Tally()
        for shape in operation.shapes {
            guard !isOver else {
                tally.isCut = true
                return tally
            }
            if options.isTraced { say("\(operation.rawValue) \(shape)\n", to: STDERR_FILENO) }
            do { try check(operation, shape, &tally) } catch {
                tally.failures.append("\(shape): \(error)")
                if let error = error as? KernelError, error.code == .device {
                    tally.isDeviceLost = true
                    return tally
                }
            }
        }
        return tally
    }

    /// Compares one result with the reference, and with itself when it is computed again.
    private func check(
        _ operation: Operation, _ shape: WalkShape, _ tally: inout Tally
    ) throws {
        let tolerance =
            options.device == .cuda
            ? operation.tolerance(onGPU: shape.type) : operation.tolerance
        tally.checks += 1
        let expected = try operation.run(on: reference, shape)
        let actual = try operation.run(on: backend, shape)
        let again = try operation.run(on: backend, shape)
        // What a GPU was asked for last may fail later.
        try backend.synchronize()
        tally.note(actual.largestDifference(from: expected), shape.type, tolerance)
        if let difference = actual.firstDifference(from: expected, tolerance: tolerance) {
            tally.failures.append("\(shape): \(difference)")
        }
        if !actual.hasSameBits(as: again) {
            tally.failures.append("\(shape): other bits the second time")
        }
    }
}

// MARK: - Devices that fail

extension Walk {
    /// Starts the program anew for the operations that are left: a GPU that failed computes nothing
    /// more in this process.
    private mutating func startAnew() {
        guard !options.operations.isEmpty else { return }
        if let limit = options.limitSeconds {
            options.limitSeconds = max(1, limit - Self.seconds(since: start))
        }
        say("the GPU failed; going on in a new process\n")
        var words: [UnsafeMutablePointer<CChar>?] = []
        for word in ["saeval-walk"] + options.words { words.append(strdup(word)) }
        words.append(nil)
        execv("/proc/self/exe", words)
        say("result: the program cannot be started anew: \(lastSystemError())\n")
        exit(1)
    }
}

/// A text with spaces behind it.
private func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
}

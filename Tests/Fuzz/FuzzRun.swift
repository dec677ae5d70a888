import Basics
import Glibc

/// Tries inputs of one format in child processes and counts what becomes of them.
struct FuzzRun {
    /// The format.
    let format: Format
    /// The number of inputs.
    let inputs: Int
    /// The seed of all inputs.
    let seed: UInt64
    /// The inputs that ended their process and how.
    private(set) var crashes: [(index: Int, how: String)] = []
    /// The inputs that never ended.
    private(set) var hangs: [Int] = []

    /// Seconds after which an input counts as one that never ends.
    private static let longest = 30
    /// A parser with so many faults is not tried further.
    private static let mostFaults = 20

    /// A run of some inputs.
    init(format: Format, inputs: Int, seed: UInt64) {
        (self.format, self.inputs, self.seed) = (format, inputs, seed)
    }

    /// Tries all inputs and says in a line what became of them.
    ///
    /// - Returns: whether all ended in success or in an error of ours, in time and in bounds.
    mutating func run() -> Bool {
        let folder = folderExists("/dev/shm") ? "/dev/shm" : "/tmp"
        let path = "\(folder)/saeval-fuzz-\(getpid())-\(format)"
        guard let state = FuzzState(path: path) else {
            say("\(path) cannot be made")
            return false
        }
        defer {
            unlink(path)
            unlink("\(path).input")
        }
        // Children keep their memory in one place, so that its growth can be seen.
        setenv("MALLOC_ARENA_MAX", "1", 1)
        let began = ContinuousClock.now
        var first = 0
        while first < inputs, crashes.count + hangs.count < Self.mostFaults {
            guard let child = Self.start(format, first..<inputs, seed: seed, state: path) else {
                say("a child process cannot be started")
                return false
            }
            if let fault = wait(for: child, state: state) {
                say("  \(format) input \(state[.index]): \(fault)")
                first = state[.index] + 1
            } else {
                first = inputs
            }
        }
        let time = began.duration(to: .now)
        say(
            "\(format): \(first) inputs, \(state[.read]) read, \(state[.refused]) refused, "
                + "\(crashes.count) crashes, \(hangs.count + state[.slow]) hangs; longest "
                + "\(state[.longest] / 1_000_000) ms, largest growth "
                + "\(state[.largest] >> 10) KiB; \(time.components.seconds) s", to: STDOUT_FILENO)
        return crashes.isEmpty && hangs.isEmpty && state[.slow] == 0
    }

    /// Waits for a child and stops it when an input never ends.
    ///
    /// - Returns: what the current input did to it; nil when all went well.
    private mutating func wait(for child: pid_t, state: FuzzState) -> String? {
        var (last, since) = (-1, ContinuousClock.now)
        while true {
            var status: Int32 = 0
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child {
                let signal = status & 0x7F
                if signal == 0, status >> 8 & 0xFF == 0 { return nil }
                let how = signal == 0 ? "exit code \(status >> 8 & 0xFF)" : "signal \(signal)"
                crashes.append((state[.index], how))
                return how
            }
            if state[.index] != last { (last, since) = (state[.index], .now) }
            if since.duration(to: .now) > .seconds(Self.longest) {
                kill(child, SIGKILL)
                waitpid(child, &status, 0)
                hangs.append(last)
                return "no end within \(Self.longest) s"
            }
            usleep(20_000)
        }
    }

    /// Starts this program as a child.
    private static func start(
        _ format: Format, _ indices: Range<Int>, seed: UInt64, state: String
    ) -> pid_t? {
        let words = [
            "saeval-fuzz", "--child", state, "--format", format.rawValue, "--seed", "\(seed)",
            "--from", "\(indices.lowerBound)", "--inputs", "\(indices.upperBound)",
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        arguments.append(nil)
        var child = pid_t()
        let status = posix_spawn(&child, "/proc/self/exe", nil, nil, arguments, environ)
        return status == 0 ? child : nil
    }
}

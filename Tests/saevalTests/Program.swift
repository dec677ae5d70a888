import Foundation
import Testing

/// What a program that ended left behind.
struct Ending: Sendable, CustomStringConvertible {
    /// The exit code; 128 and more when a signal ended it.
    var status: Int32
    /// What went to standard output.
    var output: String
    /// What went to standard error.
    var errors: String

    var description: String { "exit code \(status)\n\(errors)\(output.prefix(2000))" }
}

/// The built program and how it is started.
enum Program {
    /// The package's folder: configs name files relative to it.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The executable beside the test bundle.
    static let path: String = {
        let arguments = CommandLine.arguments
        if let option = arguments.firstIndex(of: "--test-bundle-path"), option + 1 < arguments.count
        {
            return (arguments[option + 1] as NSString).deletingLastPathComponent + "/saeval"
        }
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? arguments[0]
        return (own as NSString).deletingLastPathComponent + "/saeval"
    }()

    /// A start of the program under `mpirun`; every rank gets the same arguments.
    static func onRanks(_ ranks: Int, _ arguments: [String]) -> [String] {
        ["mpirun", "-n", "\(ranks)", "--oversubscribe", "--bind-to", "none", path] + arguments
    }

    /// The environment of a child: no trace of an MPI run, a batch job or settings around this one,
    /// and MPI's own files in a folder of the test.
    static func environment(folder: String) -> [String: String] {
        var variables = ProcessInfo.processInfo.environment
        for prefix in ["OMPI_", "PMIX_", "ORTE_", "SLURM_", "SAEVAL_"] {
            for name in variables.keys where name.hasPrefix(prefix) { variables[name] = nil }
        }
        variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        variables["OMPI_MCA_btl_vader_backing_directory"] = folder
        variables["TMPDIR"] = folder
        variables["SWIFT_BACKTRACE"] = "enable=no"
        // Numbers are those of processors, also where there is a GPU.
        variables["CUDA_VISIBLE_DEVICES"] = "-1"
        return variables
    }

    /// The full path of a program; nil when it is not installed.
    static func find(_ name: String) -> String? {
        if name.hasPrefix("/") { return name }
        return ["/usr/bin", "/usr/local/bin", "/bin"].map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// A program that was started and may still run.
final class RunningProgram {
    private let process = Process()
    private let outputPath: String
    private let errorPath: String

    /// Starts a program in the package's folder.
    ///
    /// - Parameters:
    ///   - folder: takes the files that catch its output.
    ///   - variables: go over the environment of ``Program/environment(folder:)``.
    init(_ command: [String], folder: String, variables: [String: String] = [:]) throws {
        let name = UUID().uuidString.prefix(8)
        (outputPath, errorPath) = ("\(folder)/\(name).output", "\(folder)/\(name).errors")
        for path in [outputPath, errorPath] { try Data().write(to: URL(fileURLWithPath: path)) }
        process.executableURL = URL(
            fileURLWithPath: try #require(Program.find(command[0]), "\(command[0]) is missing"))
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: Program.root)
        process.environment = Program.environment(folder: folder).merging(variables) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorPath))
        try withSignalsOpen { try process.run() }
    }

    /// Calls something with no signal blocked on this thread: children inherit the mask, and the
    /// threads of tests block most signals.
    private func withSignalsOpen(_ body: () throws -> Void) rethrows {
        var (none, mask) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &mask)
        defer { pthread_sigmask(SIG_SETMASK, &mask, nil) }
        try body()
    }

    /// Whether it has not ended.
    var isRunning: Bool { process.isRunning }

    /// Processes that it started itself, as `mpirun` does ranks.
    var children: [Int32] {
        let pid = process.processIdentifier
        let list = try? String(
            contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
        return list?.split(separator: " ").compactMap { Int32($0) } ?? []
    }

    /// Sends a signal.
    func send(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for something that the program does. Where it ends first, or takes too long, the test
    /// fails and does not go on.
    ///
    /// - Parameter event: what is waited for, for the message.
    func wait(
        for event: String, seconds: Double = 120, until hasHappened: () throws -> Bool
    ) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            // Looked at first: what the program does just before its end counts.
            let isRunning = process.isRunning
            if try hasHappened() { return }
            guard isRunning else {
                let end = try ending()
                try #require(Bool(false), "the program ended before \(event): \(end)")
                return
            }
            if Date() >= deadline {
                send(SIGKILL)
                let end = try ending()
                try #require(Bool(false), "\(event) did not come in \(seconds) s: \(end)")
            }
            usleep(2000)
        }
    }

    /// Waits until a log says that something happened so many times.
    func wait(for event: String, count: Int = 1, in log: String) throws {
        let text = Data("\"event\": \"\(event)\"".utf8)
        try wait(for: "\(count) × \(event)") {
            guard let bytes = FileManager.default.contents(atPath: log) else { return false }
            return occurrences(of: text, in: bytes) >= count
        }
    }

    /// Waits for the end; a program that takes too long is killed.
    func ending(seconds: Int = 120) throws -> Ending {
        let deadline = Date(timeIntervalSinceNow: Double(seconds))
        while process.isRunning, Date() < deadline { usleep(5000) }
        if process.isRunning {
            Issue.record("\(process.arguments ?? []) took more than \(seconds) s")
            send(SIGKILL)
        }
        while process.isRunning { usleep(5000) }
        let isSignal = process.terminationReason == .uncaughtSignal
        return Ending(
            status: process.terminationStatus + (isSignal ? 128 : 0),
            output: try text(of: outputPath),
            errors: try text(of: errorPath))
    }

    private func text(of path: String) throws -> String {
        defer { unlink(path) }
        return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
}

/// How often some bytes contain other ones.
func occurrences(of part: Data, in bytes: Data) -> Int {
    var count = 0
    var rest = bytes.startIndex..<bytes.endIndex
    while let found = bytes.range(of: part, in: rest) {
        count += 1
        rest = found.upperBound..<bytes.endIndex
    }
    return count
}

/// All tests of the whole program. They run side by side, each in a folder of its own, since much of
/// what they do is waiting.
@Suite("The program")
struct ProgramTests {}

/// The folder with other people's files; nil when `SAEVAL_SHARED` is not set.
let sharedFolder = ProcessInfo.processInfo.environment["SAEVAL_SHARED"]

import Basics
import Glibc

/// A seeded fuzzer of the parsers of foreign files.
///
///     saeval-fuzz --format pt --inputs 50000 --seed 1      counts what becomes of changed files
///     saeval-fuzz --format pt --seed 1 --show 1234 > file  writes one of the inputs
///     saeval-fuzz --format faulty --inputs 200             must find faults and fail
///     saeval-fuzz --speed /dev/shm                         measures how fast weights are read
@main
struct FuzzProgram {
    /// The words behind each option.
    private var options: [String: String] = [:]

    /// The options that are known.
    private static let known: Set<String> = [
        "--format", "--inputs", "--seed", "--show", "--speed", "--child", "--from",
    ]

    static func main() throws {
        var program = FuzzProgram()
        var words = CommandLine.arguments.dropFirst()
        while let word = words.popFirst() {
            guard known.contains(word), let value = words.popFirst() else { usage() }
            program.options[word] = value
        }
        try program.run()
    }

    /// Does what the options ask for.
    private func run() throws {
        if let folder = options["--speed"] { return try ReadingSpeed(folder: folder).measure() }
        let formats: [Format]
        if let name = options["--format"] {
            guard let format = Format(rawValue: name) else { Self.usage() }
            formats = [format]
        } else {
            formats = Format.parsers
        }
        let (inputs, seed) = (number("--inputs") ?? 50_000, UInt64(number("--seed") ?? 1))
        if let index = number("--show") {
            let random = FuzzRandom(seed: seed, index: UInt64(index))
            return say(try Corpus(formats[0]).input(random), to: STDOUT_FILENO)
        }
        if let path = options["--child"] {
            guard let state = FuzzState(path: path) else { exit(71) }
            let child = FuzzChild(
                format: formats[0], seed: seed, state: state, path: "\(path).input")
            child.run((number("--from") ?? 0)..<inputs)
        }
        var succeeds = true
        for format in formats {
            var run = FuzzRun(format: format, inputs: inputs, seed: seed)
            if !run.run() { succeeds = false }
        }
        exit(succeeds ? 0 : 1)
    }

    /// An option that is a number; nil when it is not given.
    private func number(_ name: String) -> Int? {
        guard let text = options[name] else { return nil }
        guard let value = Int(text), value >= 0 else { Self.usage() }
        return value
    }

    /// Ends with how the program is used.
    private static func usage() -> Never {
        let formats = Format.allCases.map(\.rawValue).joined(separator: "|")
        say("saeval-fuzz [--format \(formats)] [--inputs N] [--seed S] [--show I]")
        say("saeval-fuzz --speed FOLDER")
        exit(64)
    }
}

/// Writes a line, to standard error unless told otherwise.
func say(_ line: String, to descriptor: Int32 = STDERR_FILENO) {
    say(Array("\(line)\n".utf8), to: descriptor)
}

/// Writes some bytes.
func say(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count <= 0 { return }
        rest = rest.dropFirst(count)
    }
}

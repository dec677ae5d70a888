import Basics
import Glibc

// A seeded fuzzer of the parsers of foreign files.
//
//     saeval-fuzz --format pt --inputs 50000 --seed 1      counts what becomes of changed files
//     saeval-fuzz --format pt --seed 1 --show 1234 > file  writes one of the inputs
//     saeval-fuzz --speed /dev/shm                         measures how fast weights are read

/// Ends with how the program is used.
func usage() -> Never {
    let formats = Format.allCases.map(\.rawValue).joined(separator: "|")
    fputs("saeval-fuzz [--format \(formats)] [--inputs N] [--seed S] [--show I]\n", stderr)
    fputs("saeval-fuzz --speed FOLDER\n", stderr)
    exit(64)
}

var options: [String: String] = [:]
var words = CommandLine.arguments.dropFirst()
while let word = words.popFirst() {
    guard
        ["--format", "--inputs", "--seed", "--show", "--speed", "--child", "--from"].contains(word),
        let value = words.popFirst()
    else { usage() }
    options[word] = value
}

/// An option that is a number.
func number(_ name: String, _ standard: Int) -> Int {
    guard let text = options[name] else { return standard }
    guard let value = Int(text), value >= 0 else { usage() }
    return value
}

if let folder = options["--speed"] {
    try ReadingSpeed(folder: folder).measure()
    exit(0)
}
let named = options["--format"].map { Format(rawValue: $0) }
if let named, named == nil { usage() }
let formats = named.flatMap { $0 }.map { [$0] } ?? Format.allCases
let (inputs, seed) = (number("--inputs", 50_000), UInt64(number("--seed", 1)))
if options["--show"] != nil {
    let bytes = try Corpus(formats[0]).input(
        FuzzRandom(seed: seed, index: UInt64(number("--show", 0))))
    fwrite(bytes, 1, bytes.count, stdout)
    exit(0)
}
if let path = options["--child"] {
    guard let state = FuzzState(path: path) else { exit(71) }
    FuzzChild(format: formats[0], seed: seed, state: state).run(number("--from", 0)..<inputs)
}
setlinebuf(stdout)
var succeeds = true
for format in formats {
    var run = FuzzRun(format: format, inputs: inputs, seed: seed)
    if !run.run() { succeeds = false }
}
exit(succeeds ? 0 : 1)

import Basics
import Foundation
import Testing

/// A temporary folder with the output and artifacts of small runs of the quickstart, removed when
/// it is released.
final class Workbench: Sendable {
    /// The folder.
    let path: String
    /// The output folder of its runs.
    var output: String { file("run") }
    /// The artifact folder of its runs.
    var artifacts: String { file("artifacts") }

    init() throws {
        var template = Array(
            ((NSTemporaryDirectory() as NSString).appendingPathComponent("saeval-XXXXXX"))
                .utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }
        path = String(cString: try #require(made, "no temporary folder can be made"))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file in the folder.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Runs the program to its end, under `mpirun` when ranks are given.
    func saeval(_ arguments: [String], ranks: Int? = nil, variables: [String: String] = [:]) throws
        -> Ending
    {
        try start(arguments, ranks: ranks, variables: variables).ending()
    }

    /// Starts the program.
    func start(
        _ arguments: [String], ranks: Int? = nil, variables: [String: String] = [:]
    ) throws -> RunningProgram {
        let command = ranks.map { Program.onRanks($0, arguments) } ?? [Program.path] + arguments
        return try RunningProgram(command, folder: path, variables: variables)
    }

    /// The arguments of a small run: some kinds of autoencoders on each of two layers, three blocks
    /// of activations a layer.
    func small(
        _ more: [String] = [], command: String = "run", kinds: String = "topk",
        sparsityBatches: Int = 10
    ) -> [String] {
        [
            command, "Tests/Fixtures/configs/core.yaml", "--output", output, "--artifacts",
            artifacts,
            "--saes",
            "configs/quickstart/saes/sae_lens", "--match", ".*__(\(kinds))", "--layers", "1,2",
            "--set",
            "core.context_size=32", "--set", "core.batch_size_prompts=12", "--set",
            "core.n_eval_reconstruction_batches=2", "--set",
            "core.n_eval_sparsity_variance_batches=\(sparsityBatches)",
        ] + more
    }

    /// The arguments of a run as small as they get: few rows and, unless other ones are named, one
    /// autoencoder.
    func tiny(_ more: [String] = [], command: String = "run", saes: String? = nil) -> [String] {
        [
            command, "Tests/Fixtures/configs/core.yaml", "--output", output, "--artifacts",
            artifacts,
            "--saes",
            saes ?? "configs/quickstart/saes/sae_lens/toyworld-res/blocks.1.hook_resid_post__topk",
            "--set",
            "core.context_size=16", "--set", "core.batch_size_prompts=2", "--set",
            "core.n_eval_reconstruction_batches=1", "--set",
            "core.n_eval_sparsity_variance_batches=1",
        ] + more
    }

    /// Writes a file and the folders above it.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try makeFolder(parentFolder(of: file(name)))
        try writeFile(bytes, to: file(name))
        return file(name)
    }

    /// Writes a text.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    /// Copies a file or folder of the package.
    @discardableResult
    func copy(_ source: String, to name: String) throws -> String {
        try makeFolder(parentFolder(of: file(name)))
        let place = source.hasPrefix("/") ? source : "\(Program.root)/\(source)"
        try FileManager.default.copyItem(atPath: place, toPath: file(name))
        return file(name)
    }

    /// Removes a file or folder.
    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }

    /// All files below a folder, by their paths in it, sorted.
    func files(below folder: String) -> [String] {
        (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? [])
            .filter { fileExists("\(folder)/\($0)") }.sorted()
    }

    /// The results of the run, times aside.
    func results(_ folder: String? = nil) throws -> RunResults {
        try RunResults(folder ?? output, self)
    }
}

/// The result files of a run as texts without their times.
struct RunResults: Equatable, Sendable {
    /// By path in the run's folder.
    let texts: [String: String]

    init(_ folder: String, _ bench: Workbench) throws {
        let names = bench.files(below: folder).filter {
            $0.hasPrefix("eval_results/") || $0 == "results.csv"
        }
        texts = try Dictionary(
            uniqueKeysWithValues: names.map { name in
                let lines = String(decoding: try readFile("\(folder)/\(name)"), as: UTF8.self)
                    .split(separator: "\n")
                let kept = lines.filter {
                    !$0.contains("\"datetime_epoch_millis\"") && !$0.contains("\"eval_id\"")
                }
                return (name, kept.joined(separator: "\n"))
            })
    }

    /// Names of files that differ from those of another run, or that only one of both has.
    func differences(from other: RunResults) -> [String] {
        Set(texts.keys).union(other.texts.keys).filter { texts[$0] != other.texts[$0] }.sorted()
    }
}

/// Changes one byte of a file in place.
func flipByte(_ path: String, at offset: Int) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: UInt64(offset))
    let byte = try #require(try file.read(upToCount: 1)?.first)
    try file.seek(toOffset: UInt64(offset))
    try file.write(contentsOf: Data([byte ^ 0x40]))
    try file.close()
}

/// Cuts a file to some bytes.
func truncateFile(_ path: String, to byteCount: Int) throws {
    try #require(truncate(path, off_t(byteCount)) == 0)
}

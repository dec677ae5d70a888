import Basics
import Foundation
import Testing

@testable import Messaging
@testable import Storage

/// What a child process is asked to be; nil in an ordinary test run.
let role = ProcessInfo.processInfo.environment["SAEVAL_TEST_ROLE"]
/// The folder that a child works in.
let roleFolder = ProcessInfo.processInfo.environment["SAEVAL_TEST_FOLDER"] ?? ""

/// The environment of a child: no trace of an MPI run around this one, and shared memory in the
/// test's folder.
private func environment(role: String, folder: String) -> [String: String] {
    var variables = ProcessInfo.processInfo.environment
    for prefix in ["OMPI_", "PMIX_", "ORTE_", "SLURM_"] {
        for name in variables.keys where name.hasPrefix(prefix) { variables[name] = nil }
    }
    variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    variables["OMPI_MCA_btl_vader_backing_directory"] = folder
    variables["SWIFT_BACKTRACE"] = "enable=no"
    variables["SAEVAL_TEST_ROLE"] = role
    variables["SAEVAL_TEST_FOLDER"] = folder
    return variables
}

/// This test program and the arguments that make it run the roles alone.
private func roleCommand() throws -> [String] {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let path = String(
        decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    // The bundle is a program of its own, or is loaded by a helper that takes its path.
    let arguments = CommandLine.arguments
    if let option = arguments.firstIndex(of: "--test-bundle-path"), option + 1 < arguments.count {
        return [
            path, "--test-bundle-path", arguments[option + 1], "--filter", "StorageRoles",
            "--testing-library", "swift-testing",
        ]
    }
    return [path, "--testing-library", "swift-testing", "--filter", "StorageRoles"]
}

@Suite("Ranks and kills", .serialized, .enabled(if: role == nil, "runs in the parent only"))
struct RankTests {
    let folder: TemporaryFolder
    var path: String { folder.file("acts.h5") }

    init() throws { folder = try TemporaryFolder() }

    /// Runs a role on some ranks.
    func mpirun(_ role: String, ranks: Int) throws -> (status: Int32, output: String) {
        let arguments =
            ["60", "mpirun", "-n", "\(ranks)", "--oversubscribe", "--bind-to", "none"]
            + (try roleCommand())
        return try #require(
            try run("timeout", arguments, environment: environment(role: role, folder: folder.path))
        )
    }

    @Test(
        "Ranks write one file together, and it equals the file of one rank",
        .enabled(if: isInstalled("mpirun")),
        arguments: [2, 3])
    func together(ranks: Int) throws {
        let outcome = try mpirun("write", ranks: ranks)
        #expect(outcome.status == 0, "\(outcome.output)")
        let sample = Sample(type: .bfloat16, blockRows: 2)
        let reader = try ActivationReader(path: path, key: sample.attributes.key)
        for block in 0..<sample.layout.blocks {
            #expect(bytes(of: try reader.block(block)) == sample.bytes(ofBlock: block))
        }
        try sample.writeComplete(folder.file("alone.h5"))
        #expect(try readFile(folder.file("alone.h5")) == readFile(path))
    }

    @Test(
        "A rank killed while it writes costs only blocks that were not marked",
        .enabled(if: isInstalled("mpirun")), arguments: [1, 3])
    func killed(ranks: Int) throws {
        let outcome = try mpirun("kill", ranks: ranks)
        // mpirun ends with the signal of the first rank that died.
        #expect(outcome.status == 128 + SIGKILL, "\(outcome.output)")
        let sample = Sample(type: .bfloat16, blockRows: 2)
        let preparation = try ActivationFile.prepare(
            path, layout: sample.layout, attributes: sample.attributes, tokens: sample.tokens)
        #expect(preparation.notice?.contains("resumed") == true, "\(preparation) \(outcome.output)")
        #expect(!preparation.pendingBlocks.isEmpty)
        #expect(preparation.pendingBlocks.count < sample.layout.blocks)
        let reader = try ActivationReader(path: path + ".partial")
        for block in 0..<sample.layout.blocks where !preparation.pendingBlocks.contains(block) {
            #expect(bytes(of: try reader.block(block)) == sample.bytes(ofBlock: block))
        }
    }

    @Test("A journal whose process is killed holds a prefix of what was appended", arguments: 1...3)
    func killedJournal(round: Int) throws {
        let process = Process()
        let command = try roleCommand()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = environment(role: "journal", folder: folder.path)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let name = folder.file("journal.jsonl")
        for _ in 0..<2000 where (fileByteCount(name) ?? 0) < round * 1500 { usleep(5000) }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal, "it had ended before")
        let entries = try Journal(path: name).entries
        #expect(entries.count >= round * 20)
        #expect(
            entries
                == (0..<entries.count).map {
                    "{\"unit\": \($0), \"text\": \"some text of an entry\"}"
                })
    }

    @Test("A journal on a full disk says so and ends with its last good line")
    func fullJournal() throws {
        let command = try roleCommand()
        let outcome = try #require(
            try run(
                "timeout", ["60"] + command,
                environment: environment(role: "full", folder: folder.path)))
        #expect(outcome.status == 0, "\(outcome.output)")
        let journal = try Journal(path: folder.file("journal.jsonl"))
        #expect(journal.notice == nil)
        #expect(!journal.entries.isEmpty)
    }
}

/// What the children of ``RankTests`` do.
@Suite(.serialized, .enabled(if: role != nil, "runs in children of the rank tests only"))
struct StorageRoles {
    let path = roleFolder + "/acts.h5"
    let sample = Sample(type: .bfloat16, blockRows: 2)

    @Test("Writes one file with all ranks", .enabled(if: role == "write" || role == "kill"))
    func write() throws {
        let messenger = try Messenger.start()
        do {
            try write(messenger)
        } catch {
            messenger.abort(code: 3, message: "\(error)")
        }
    }

    private func write(_ messenger: Messenger) throws {
        if messenger.rank == 0 {
            try ActivationFile.create(
                path, layout: sample.layout, tokens: sample.tokens, attributes: sample.attributes)
        }
        try messenger.barrier()
        let file = try ActivationFile.openForWriting(path, messenger: messenger)
        let mine = (0..<sample.layout.blocks).filter { $0 % messenger.size == messenger.rank }
        for (count, block) in mine.enumerated() {
            let sum = try sample.bytes(ofBlock: block).withUnsafeBytes {
                try file.write(block: block, $0)
            }
            if role == "kill", messenger.rank == 1 || messenger.size == 1, count == 2 {
                usleep(300_000)
                kill(getpid(), SIGKILL)
            }
            if messenger.rank == 0 {
                try file.markDone(block: block, checksum: sum)
            } else {
                try messenger.send(Array("\(block) \(sum)".utf8), to: 0, tag: 5)
            }
        }
        if messenger.rank == 0 {
            for _ in 0..<(sample.layout.blocks - mine.count) {
                let text = String(decoding: try messenger.receive(tag: 5), as: UTF8.self).split(
                    separator: " ")
                try file.markDone(
                    block: try #require(Int(text[0])), checksum: try #require(UInt64(text[1])))
            }
        }
        try file.close()
        if messenger.rank == 0 { try ActivationFile.complete(path) }
    }

    @Test("Appends to a journal until it is killed", .enabled(if: role == "journal"))
    func journal() throws {
        let journal = try Journal(path: roleFolder + "/journal.jsonl")
        // Bounded, so that it ends by itself should the parent be gone.
        let end = ContinuousClock.now + .seconds(10)
        for unit in 0..<20_000 where ContinuousClock.now < end {
            try journal.append("{\"unit\": \(unit), \"text\": \"some text of an entry\"}")
        }
    }

    @Test("Fills the disk, as far as this process may", .enabled(if: role == "full"))
    func full() throws {
        let journal = try Journal(path: roleFolder + "/journal.jsonl")
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
        #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
        let error = #expect(throws: StorageError.self) {
            for unit in 0..<100 { try journal.append("{\"unit\": \(unit)}") }
        }
        #expect(error?.code == .outOfSpace)
        #expect(error?.advice?.contains("make room") == true)
        let onDisk = try readFile(journal.path)
        #expect(onDisk.last == 0x0A)
        #expect(onDisk.filter { $0 == 0x0A }.count == journal.entries.count)
        // A shorter entry that still fits goes in after the failure.
        let before = journal.entries.count
        if onDisk.count + 20 <= 1000 {
            try journal.append("{}")
            #expect(journal.entries.count == before + 1)
        }
    }
}

import Foundation
import Testing

@testable import Messaging

/// What a child process is asked to be; nil in an ordinary test run.
private let role = ProcessInfo.processInfo.environment["SAEVAL_TEST_ROLE"]

/// Several ranks: this test program again, under `mpirun`.
@Suite(
    "Several ranks", .serialized,
    .enabled(
        if: role == nil && FileManager.default.fileExists(atPath: "/usr/bin/mpirun"),
        "mpirun is not installed"))
struct RankTests {
    /// Runs a role on some ranks, with shared memory in a folder that goes away.
    func mpirun(_ role: String, ranks: Int) throws -> (
        status: Int32, output: String, seconds: Duration
    ) {
        let folder = NSTemporaryDirectory() + "/saeval-messaging-\(getpid())-\(role)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments =
            ["60", "mpirun", "-n", "\(ranks)", "--oversubscribe", "--bind-to", "none"]
            + roleCommand()
        var variables = ProcessInfo.processInfo.environment.filter { name, _ in
            !["OMPI_", "PMIX_", "ORTE_", "SLURM_"].contains { name.hasPrefix($0) }
        }
        variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        variables["OMPI_MCA_btl_vader_backing_directory"] = folder
        variables["SWIFT_BACKTRACE"] = "enable=no"
        variables["SAEVAL_TEST_ROLE"] = role
        process.environment = variables
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        let start = ContinuousClock.now
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: output, as: UTF8.self),
            ContinuousClock.now - start
        )
    }

    /// This test program and the arguments that make it run the roles alone.
    private func roleCommand() -> [String] {
        let program =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let arguments = CommandLine.arguments
        let common = ["--testing-library", "swift-testing", "--filter", "MessagingRoles"]
        // The bundle is a program of its own, or is loaded by a helper that takes its path.
        guard let option = arguments.firstIndex(of: "--test-bundle-path"),
            option + 1 < arguments.count
        else {
            return [program] + common
        }
        return [program, "--test-bundle-path", arguments[option + 1]] + common
    }

    @Test(
        "Messages, broadcasts and gathers of any length arrive whole and in order",
        arguments: [2, 4])
    func everything(ranks: Int) throws {
        let outcome = try mpirun("messages", ranks: ranks)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.contains("ranks \(ranks)"))
    }

    @Test("A rank that aborts ends all ranks within ten seconds with its code and its message")
    func abort() throws {
        let outcome = try mpirun("abort", ranks: 3)
        #expect(outcome.status == 7)
        #expect(outcome.output.contains("saeval: rank 1: the reason"))
        #expect(outcome.seconds < .seconds(10))
    }
}

/// What the children of ``RankTests`` do.
@Suite(.serialized, .enabled(if: role != nil, "runs in children of the rank tests only"))
struct MessagingRoles {
    /// Bytes that tell their sender and length.
    private func content(_ source: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ source) }
    }

    @Test("Sends and collects", .enabled(if: role == "messages"))
    func messages() throws {
        let messenger = try Messenger.start()
        do {
            try pointToPoint(messenger)
            try collectives(messenger)
            try waiting(messenger)
        } catch {
            messenger.abort(code: 3, message: "\(error)")
        }
        if messenger.rank == 0 { print("ranks \(messenger.size)") }
    }

    private func pointToPoint(_ messenger: Messenger) throws {
        let lengths = [0, 1, 5000, 400_000]
        try #require(messenger.localSize == messenger.size)
        try #require(messenger.localRank == messenger.rank)
        guard messenger.rank == 0 else {
            for length in lengths {
                try messenger.send(content(messenger.rank, length), to: 0, tag: 7)
            }
            try #require(try messenger.receive(from: 0, tag: 8) == [42])
            return
        }
        var seen = [Int](repeating: 0, count: messenger.size)
        for _ in 0..<lengths.count * (messenger.size - 1) {
            let envelope = try #require(
                try messenger.waitForMessage(tag: 7, deadline: .seconds(30)))
            let bytes = try messenger.receive(from: envelope.source, tag: envelope.tag)
            try #require(envelope.byteCount == lengths[seen[envelope.source]])
            try #require(bytes == content(envelope.source, envelope.byteCount))
            seen[envelope.source] += 1
        }
        try #require(try messenger.probe() == nil)
        for rank in 1..<messenger.size { try messenger.send([42], to: rank, tag: 8) }
    }

    private func collectives(_ messenger: Messenger) throws {
        for (length, piece) in [(0, 10), (10, 3), (100_000, 999), (200_000, 1 << 30)] {
            let sent = messenger.rank == 1 ? content(1, length) : nil
            try #require(
                try messenger.broadcast(sent, root: 1, pieceBytes: piece) == content(1, length))
            let gathered = try messenger.gather(
                content(messenger.rank, length + messenger.rank), root: 0, pieceBytes: piece)
            try #require((gathered != nil) == (messenger.rank == 0))
            try #require(gathered == nil || gathered?.count == messenger.size)
            for (source, bytes) in (gathered ?? []).enumerated() {
                try #require(bytes == content(source, length + source))
            }
        }
        try #require(try messenger.all(true))
        try #require(try !messenger.all(messenger.rank != 1))
    }

    /// A rank that waits for another, in any call, sleeps.
    private func waiting(_ messenger: Messenger) throws {
        try messenger.barrier()
        let before = clock()
        if messenger.rank == 1 {
            usleep(500_000)
            try messenger.send([1], to: 0, tag: 9)
            usleep(500_000)
        }
        if messenger.rank == 0 { _ = try messenger.receive(from: 1, tag: 9) }
        try messenger.barrier()
        let seconds = Double(clock() - before) / Double(CLOCKS_PER_SEC)
        try #require(seconds < 0.3, "waiting a second took \(seconds) s of processor time")
    }

    @Test("Aborts on one rank while the others wait", .enabled(if: role == "abort"))
    func abort() throws {
        let messenger = try Messenger.start()
        if messenger.rank == 1 { messenger.abort(code: 7, message: "the reason") }
        try messenger.barrier()
    }
}

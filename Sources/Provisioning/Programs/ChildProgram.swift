import Basics
import Glibc

/// Another program of the machine that is run to its end with a text on its standard input.
struct ChildProgram {
    /// The executable's path.
    let path: String

    /// Finds an executable of a name in the folders of `PATH`.
    ///
    /// - Returns: nil when no folder has one.
    init?(named name: String) {
        let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        let paths = folders.split(separator: ":").map { "\($0)/\(name)" }
        guard let found = paths.first(where: { fileExists($0) && access($0, X_OK) == 0 }) else {
            return nil
        }
        path = found
    }

    /// What it left behind.
    struct Ending {
        /// The exit code; 128 and more when a signal ended it.
        var status: Int32
        /// What went to standard output.
        var output: [UInt8]
        /// What went to standard error.
        var errors: String
    }

    /// Runs it and waits.
    ///
    /// - Throws: ``RunError`` when it cannot be started.
    func run(_ arguments: [String], input: String) throws -> Ending {
        let streams = try (0..<3).map { _ in try UnnamedFile() }
        try streams[0].fill(with: Array(input.utf8))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, stream) in streams.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, stream.descriptor, Int32(number))
        }
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var variables: [UnsafeMutablePointer<CChar>?] =
            BundledEnvironment.outside().map { strdup($0) }
        defer { for variable in variables { free(variable) } }
        variables.append(nil)
        var process = pid_t()
        let code = posix_spawn(&process, path, &actions, nil, words, variables)
        guard code == 0 else {
            throw RunError(
                .unsuitable, "\(path) cannot be run: \(String(cString: strerror(code)))",
                advice: "install it again")
        }
        var state: Int32 = 0
        while waitpid(process, &state, 0) < 0, errno == EINTR {}
        let signal = state & 0x7F
        return Ending(
            status: signal == 0 ? (state >> 8) & 0xFF : 128 + signal,
            output: try streams[1].contents(),
            errors: String(decoding: try streams[2].contents(), as: UTF8.self))
    }
}

/// A temporary file without a name, gone when it is released.
private final class UnnamedFile {
    /// Its descriptor, which children do not inherit by itself.
    let descriptor: Int32

    /// Makes one in `TMPDIR`, else in `/tmp`.
    ///
    /// - Throws: `BasicsError` when the folder takes no file.
    init() throws {
        let given = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        let folder = given.isEmpty ? "/tmp" : given
        var template = Array("\(folder)/saeval-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Self.failure(in: folder) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
    }

    deinit { close(descriptor) }

    /// Writes bytes and goes back to the start.
    func fill(with bytes: [UInt8]) throws {
        guard bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) else {
            throw Self.failure(in: "the folder of temporary files")
        }
        lseek(descriptor, 0, SEEK_SET)
    }

    /// All bytes.
    func contents() throws -> [UInt8] {
        let length = Int(lseek(descriptor, 0, SEEK_END))
        var bytes = [UInt8](repeating: 0, count: max(0, length))
        var got = 0
        while got < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                let rest = UnsafeMutableRawBufferPointer(rebasing: $0[got...])
                return pread(descriptor, rest.baseAddress, rest.count, off_t(got))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            got += count
        }
        return Array(bytes.prefix(got))
    }

    /// The error of a temporary file that cannot be used.
    private static func failure(in folder: String) -> BasicsError {
        .unwritable(
            "No temporary file can be written in \(folder)",
            advice: "set TMPDIR to a folder that you may write to")
    }
}

import ArgumentParser
import Basics
import Glibc
import Messaging
import Provisioning
import Runs

/// `saeval bundle`
struct BundleCommand: ParsableCommand {
    /// Name, purpose and examples.
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Copy this program and all it needs into a folder for machines without Swift.",
        discussion: """
            saeval bundle /tmp/saeval-bundle
            saeval bundle bundles/saeval --archive xz --with configs

            The folder holds the program, its shared libraries, Open MPI with its plugins, licence texts, MANIFEST.txt and two
            launchers. It runs wherever it is copied, on Linux with the glibc that the manifest names or a newer one:

                ./saeval run CONFIG
                ./mpirun -n 4 --bind-to none ./saeval run CONFIG
                srun --mpi=pmix ./saeval run CONFIG

            Best made by a program that was built with `swift build -c release --static-swift-stdlib`: a few MB smaller. Nothing of
            CUDA goes in:
            libcuda.so.1, libcublas and libnvrtc are opened from the machine's own folders and from LD_LIBRARY_PATH, or from the
            folders in SAEVAL_CUDA_LIBRARIES (separated by colons), which are looked at first. Neither do plugins for InfiniBand and its
            like: ranks talk by TCP and shared memory.
            """)

    @Argument(help: "The folder to make; it must not be there, or be empty.")
    var folder = "saeval-bundle"

    @Option(help: "Also write an archive beside the folder: xz (small) or gz.")
    var archive: BundleArchive.Compression?

    @Option(
        name: .customLong("with"),
        help: ArgumentHelp(
            "A file or folder that goes in, such as configs; may be repeated. Relative paths stay what they are.",
            valueName: "path"))
    var extras: [String] = []

    /// Checks that the folder has a name.
    func validate() throws {
        if folder.isEmpty { throw ValidationError("the folder of the bundle has no name") }
    }

    /// Makes the folder, then the archive, on the first rank alone.
    func run() throws {
        guard launchedRank() == 0 else { return }
        try ProgramBundle.checkVacant(folder)
        let archive = try archive.map { try BundleArchive(of: folder, $0) }
        let bundle = try ProgramBundle(of: OwnProgram.path, with: extras)
        let summary = try bundle.write(to: folder)
        print(
            "\(folder): \(Self.megabytes(summary.byteCount)), \(summary.libraryCount) libraries"
                + (summary.glibc.map { ", for glibc \($0) and newer" } ?? ""))
        if let archive {
            Console.note("writing \(archive.path)")
            let byteCount = try archive.write()
            print("\(archive.path): \(Self.megabytes(byteCount))")
        }
    }

    /// A number of bytes in words.
    private static func megabytes(_ byteCount: Int) -> String {
        "\((byteCount + 500_000) / 1_000_000) MB"
    }
}

extension BundleArchive.Compression: ExpressibleByArgument {}

/// The program that runs.
enum OwnProgram {
    /// The path of the executable itself.
    static var path: String {
        var bytes = [CChar](repeating: 0, count: 4097)
        let count = readlink("/proc/self/exe", &bytes, 4096)
        guard count > 0 else { return CommandLine.arguments[0] }
        return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The path by which it is started: of the launcher in a bundle.
    static var start: String { BundledEnvironment.launcher ?? path }
}

import Basics
import Foundation
import Testing

extension ProgramTests {
    /// `saeval bundle`
    @Suite("Bundles")
    struct BundleTests {
        /// Whether this machine lets its user make a root folder of its own.
        static let hasNamespaces: Bool = {
            guard let unshare = Program.find("unshare") else { return false }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: unshare)
            process.arguments =
                (geteuid() == 0 ? [] : ["--user", "--map-root-user"])
                + ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }()

        @Test(
            "A bundle runs where there is only glibc and a shell, read-only, with the bytes of the program",
            .enabled(if: hasNamespaces, "no mount namespaces here: they need CAP_SYS_ADMIN"))
        func bare() throws {
            let bench = try Workbench()
            let bundle = bench.file("bundle")
            let made = try bench.saeval(["bundle", bundle, "--archive", "gz"])
            try #require(made.status == 0, "\(made)")
            #expect(made.output.hasPrefix("\(bundle): "), "\(made)")
            try checkManifest(of: bundle)
            try checkArchive(of: bundle, bench)

            let version = try inBareRoot(["/a bundle/saeval", "--version"], bench)
            #expect(version.status == 0 && version.output.hasPrefix("saeval "), "\(version)")

            #expect(try bench.saeval(bench.small()).status == 0)
            let expected = try bench.results()
            for launcher in [
                [], ["/a bundle/mpirun", "-n", "2", "--oversubscribe", "--bind-to", "none"],
            ] {
                try bench.remove("run")
                try bench.remove("artifacts")
                let ending = try inBareRoot(launcher + ["/a bundle/saeval"] + bench.small(), bench)
                #expect(ending.status == 0, "\(launcher.first ?? "alone"): \(ending)")
                #expect(try bench.results().differences(from: expected) == [])
            }
        }

        /// Runs a command in a root folder that holds the bench's bundle, glibc and a shell.
        private func inBareRoot(_ command: [String], _ bench: Workbench) throws -> Ending {
            let script = "\(Program.root)/Tests/Fixtures/bundle/bare.sh"
            return try RunningProgram(
                ["bash", script, bench.file("bundle"), Program.root, bench.path] + command,
                folder: bench.path
            ).ending()
        }

        /// Checks that the manifest names every library with the bytes that it has.
        private func checkManifest(of bundle: String) throws {
            let manifest = String(decoding: try readFile("\(bundle)/MANIFEST.txt"), as: UTF8.self)
            let lines = manifest.split(separator: "\n").map { $0.split(separator: " ") }
            for folder in ["lib", "lib/saeval"] {
                let names = try folderContents("\(bundle)/\(folder)").filter { $0.contains(".so") }
                #expect(names.count > 5)
                for name in names {
                    let count = fileByteCount("\(bundle)/\(folder)/\(name)") ?? 0
                    #expect(
                        lines.contains { $0.starts(with: ["\(count)", "\(folder)/\(name)"]) },
                        "\(folder)/\(name) of \(count) bytes is not in the manifest")
                }
            }
            #expect(!manifest.contains("lib/libc.so") && !manifest.contains("lib/saeval/libc.so"))
            if Program.find("readelf") != nil { #expect(manifest.contains("Needs glibc 2.")) }
            if Program.find("dpkg-query") != nil {
                #expect(fileExists("\(bundle)/licences/libopenmpi3.txt"), "\(manifest)")
            }
        }

        /// Checks that the archive holds the bundle's files under its name.
        private func checkArchive(of bundle: String, _ bench: Workbench) throws {
            let listing = try RunningProgram(
                ["tar", "--list", "--file", "\(bundle).tar.gz"], folder: bench.path
            ).ending()
            #expect(listing.status == 0, "\(listing)")
            let names = Set(listing.output.split(separator: "\n").map(String.init))
            let expected = bench.files(below: bundle).map { "bundle/\($0)" }
            #expect(expected.filter { !names.contains($0) } == [])
            #expect(names.filter { !$0.hasSuffix("/") }.count == expected.count)
        }

        static let mistakes = [
            Mistake("a folder with something in it", says: ["{}/b", "1 names", "another name"]) {
                try $0.write("b/note.txt", "x")
                return ["bundle", $0.file("b")]
            },
            Mistake("a folder that is a file", says: ["{}/b is a file", "another name"]) {
                ["bundle", try $0.write("b", "x")]
            },
            Mistake("an archive that is there", says: ["{}/b.tar.xz", "there already"]) {
                try $0.write("b.tar.xz", "x")
                return ["bundle", $0.file("b"), "--archive", "xz"]
            },
            Mistake("an extra file that is not there", says: ["--with {}/none", "no such file"]) {
                ["bundle", $0.file("b"), "--with", $0.file("none")]
            },
            Mistake(
                "an extra folder in the place of the bundle's own", says: ["--with {}/lib", "lib"]
            ) {
                try $0.write("lib/x", "x")
                return ["bundle", $0.file("b"), "--with", $0.file("lib")]
            },
            Mistake("a folder that cannot be made", says: ["/proc/b", "folder"]) { _ in
                ["bundle", "/proc/b"]
            },
        ]

        @Test("Wrong usage is told in one sentence and leaves nothing", arguments: mistakes)
        func wrong(mistake: Mistake) throws { try mistake.check() }

        @Test(
            "A program that is not in PATH is named with a remedy",
            arguments: [
                (there: [], lacks: "mpirun"), (there: ["mpirun"], lacks: "ompi_info"),
                (there: ["mpirun", "ompi_info"], lacks: "ldd"),
                (there: ["mpirun", "ompi_info", "ldd"], lacks: "tar"),
                (there: ["mpirun", "ompi_info", "ldd", "tar"], lacks: "gzip"),
            ])
        func lacking(there: [String], lacks: String) throws {
            let bench = try Workbench()
            try makeFolder(bench.file("bin"))
            for name in there {
                let path = try #require(Program.find(name), "\(name) is missing")
                try FileManager.default.createSymbolicLink(
                    atPath: bench.file("bin/\(name)"), withDestinationPath: path)
            }
            let archive = ["tar", "gzip"].contains(lacks) ? ["--archive", "gz"] : []
            let ending = try bench.start(
                ["bundle", bench.file("b")] + archive, variables: ["PATH": bench.file("bin")]
            ).ending()
            #expect(ending.status == 64, "\(ending)")
            #expect(
                ending.errors.contains("`\(lacks)`") && ending.errors.contains(" Try: "),
                "\(ending)")
            #expect(bench.files(below: bench.path).allSatisfy { $0.hasPrefix("bin/") })
        }

        @Test(
            "A disk without room is told with what is needed and what is there, before anything is copied",
            .enabled(if: hasNamespaces, "no mount namespaces here: they need CAP_SYS_ADMIN"))
        func noRoom() throws {
            let bench = try Workbench()
            let identity = geteuid() == 0 ? [] : ["--user", "--map-root-user"]
            let line =
                "mount -t tmpfs -o size=5m none \"$0\" && \"$@\"; code=$?; ls -A \"$0\"; exit $code"
            let ending = try RunningProgram(
                ["unshare"] + identity + ["--mount", "sh", "-c", line, bench.path]
                    + [Program.path, "bundle", bench.file("b")],
                folder: parentFolder(of: bench.path)
            ).ending()
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.output.isEmpty, "\(ending)")
            for part in ["\(bench.path)/b", "MiB", "run.outOfSpace", " Try: "] {
                #expect(ending.errors.contains(part), "does not say “\(part)”: \(ending)")
            }
        }
    }
}

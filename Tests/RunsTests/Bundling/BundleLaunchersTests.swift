import Basics
import Foundation
import Testing

@testable import Provisioning

/// A folder with the launchers and, in place of the programs, scripts that print what they are given.
private func launchers(in folder: String) throws {
    for (path, text) in BundleLaunchers.scripts {
        try makeExecutable(text, at: "\(folder)/\(path)")
    }
    let echo = "#!/bin/sh\nprintf '<%s>' \"$@\"\necho\n/usr/bin/env\n"
    for path in ["libexec/saeval", "bin/mpirun"] {
        try makeExecutable(echo, at: "\(folder)/\(path)")
    }
}

/// Writes a script that can be started.
private func makeExecutable(_ text: String, at path: String) throws {
    try makeFolder(parentFolder(of: path))
    try writeFile(Array(text.utf8), to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
}

/// Runs a command line of the shell with few variables.
private func shell(_ line: String, _ variables: [String: String] = [:], in folder: String = "/")
    throws
    -> (status: Int32, text: String)
{
    let (process, pipe) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line]
    process.environment = ["PATH": "/usr/bin:/bin"].merging(variables) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    (process.standardOutput, process.standardError) = (pipe, pipe)
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
}

@Suite("Launchers of a bundle")
struct BundleLaunchersTests {
    @Test("Words reach the program as they are, and the user's libraries come after the bundle's")
    func passing() throws {
        let folder = try TemporaryFolder()
        let bundle = "\(folder.path)/a bundle"
        try launchers(in: bundle)
        let (status, text) = try shell(
            "'\(bundle)/saeval' run 'a b' '' '*'", ["LD_LIBRARY_PATH": "/own/cuda:/other"])
        #expect(status == 0)
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.first == "<run><a b><><*>")
        for line in [
            "LD_LIBRARY_PATH=\(bundle)/lib/saeval:\(bundle)/lib:/own/cuda:/other",
            "OPAL_PREFIX=\(bundle)", "PMIX_INSTALL_PREFIX=\(bundle)", "SAEVAL_BUNDLE=\(bundle)",
            "PMIX_MCA_mca_base_component_path=\(bundle)/lib/pmix", "PATH=/usr/bin:/bin",
        ] {
            #expect(lines.contains(line), "no \(line): \(text)")
        }
    }

    @Test("The user's own file of certificates stays")
    func certificates() throws {
        let folder = try TemporaryFolder()
        try launchers(in: folder.path)
        let (_, text) = try shell("\(folder.path)/saeval", ["SSL_CERT_FILE": "/own.pem"])
        #expect(text.contains("\nSSL_CERT_FILE=/own.pem\n"), "\(text)")
    }

    /// Where Debian keeps its certificates.
    private static let knownCertificates = "/etc/ssl/certs/ca-certificates.crt"

    @Test(
        "Without a file of the user the machine's certificates are named",
        .enabled(if: fileExists(knownCertificates), "there are no certificates"))
    func machineCertificates() throws {
        let folder = try TemporaryFolder()
        try launchers(in: folder.path)
        let (_, text) = try shell("\(folder.path)/saeval")
        #expect(text.contains("\nSSL_CERT_FILE=\(Self.knownCertificates)\n"), "\(text)")
    }

    @Test("Without libraries of the user the current folder is not a folder of libraries")
    func noEmptyItem() throws {
        let folder = try TemporaryFolder()
        try launchers(in: folder.path)
        let (_, text) = try shell("\(folder.path)/saeval")
        #expect(
            text.contains("\nLD_LIBRARY_PATH=\(folder.path)/lib/saeval:\(folder.path)/lib\n"),
            "\(text)")
    }

    @Test(
        "A bundle is found from its folder, from within, through PATH and through a symbolic link",
        arguments: [
            "./saeval", "sh saeval", "cd bin && ../saeval", "PATH=$PWD:$PATH && saeval",
            "elsewhere/link",
            "CDPATH=/usr && export CDPATH && ./saeval",
        ])
    func folders(line: String) throws {
        let folder = try TemporaryFolder()
        try launchers(in: folder.path)
        try makeFolder("\(folder.path)/elsewhere")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/elsewhere/link", withDestinationPath: "../saeval")
        let (status, text) = try shell(line, in: folder.path)
        #expect(status == 0)
        let found = text.split(separator: "\n").first { $0.hasPrefix("OPAL_PREFIX=") } ?? ""
        let root = realPath(of: String(found.dropFirst("OPAL_PREFIX=".utf8.count)))
        #expect(root == realPath(of: folder.path), "\(text)")
    }

    @Test(
        "mpirun stays alone where there is no remote shell, unless it is told otherwise or Slurm is there"
    )
    func alone() throws {
        let folder = try TemporaryFolder()
        try launchers(in: folder.path)
        // Nothing of the machine is in PATH but env.
        let path = ["PATH": folder.path]
        let isAlone = { (variables: [String: String]) in
            try shell("\(folder.path)/mpirun -n 2", path.merging(variables) { $1 }).text
                .contains("\nOMPI_MCA_plm=isolated\n")
        }
        #expect(try isAlone([:]))
        #expect(try !isAlone(["SLURM_JOB_ID": "7"]))
        #expect(try !isAlone(["OMPI_MCA_plm_rsh_agent": "/own/shell"]))
        try makeExecutable("#!/bin/sh\n", at: "\(folder.path)/ssh")
        #expect(try !isAlone([:]))
    }

    @Test("A folder that the loader cannot take is refused with its name", arguments: [":", ";"])
    func separators(mark: String) throws {
        let folder = try TemporaryFolder()
        let bundle = "\(folder.path)/a\(mark)b"
        try launchers(in: bundle)
        for name in ["saeval", "mpirun"] {
            let (status, text) = try shell("'\(bundle)/\(name)'")
            #expect(status == 64)
            #expect(text.contains(bundle) && text.contains("Try: "), "\(text)")
        }
    }

    @Test("Programs that are started from a bundle get the environment of the user")
    func outside() {
        let given = [
            "SAEVAL_BUNDLE=/b", "OPAL_PREFIX=/b", "LD_LIBRARY_PATH=/b/lib/saeval:/b/lib:/own:",
            "PATH=/b/bin:/usr/bin", "HOME=/bx", "PMIX_MCA_mca_base_component_path=/b/lib/pmix",
            "ODD",
        ]
        #expect(
            BundledEnvironment.outside(of: given) == [
                "LD_LIBRARY_PATH=/own:", "PATH=/usr/bin", "HOME=/bx", "ODD",
            ])
        let plain = ["OPAL_PREFIX=/b", "LD_LIBRARY_PATH=/b/lib"]
        #expect(BundledEnvironment.outside(of: plain) == plain)
    }
}

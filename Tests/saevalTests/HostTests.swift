import Foundation
import Testing

extension ProgramTests {
    /// More than one machine.
    @Suite("Hosts")
    struct HostTests {
        /// Whether this machine lets its user make network namespaces.
        static let hasNamespaces: Bool = {
            guard
                Program.find("ip") != nil || FileManager.default.fileExists(atPath: "/usr/sbin/ip"),
                let unshare = Program.find("unshare")
            else { return false }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: unshare)
            process.arguments = [
                "--net", "--uts", "--ipc", "--mount", "bash", "-c",
                "PATH=$PATH:/usr/sbin:/sbin ip link add veth1 type veth peer name veth2",
            ]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }()

        @Test(
            "Ranks on two hosts that have TCP alone in common give the bytes of one rank",
            .enabled(if: hasNamespaces, "no network namespaces here: they need CAP_NET_ADMIN"),
            .enabled(if: clustersAreWanted, "takes minutes: set SAEVAL_CLUSTERS=1"))
        func twoHosts() throws {
            let bench = try Workbench()
            let script = "\(Program.root)/Tests/Fixtures/namespaces/end-to-end.sh"
            let process = try RunningProgram(
                ["bash", script], folder: bench.path, variables: ["SAEVAL_BINARY": Program.path])
            let ending = try process.ending(seconds: 400)
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output.hasSuffix("\n1 passed, 0 failed\n"), "\(ending)")
        }
    }
}

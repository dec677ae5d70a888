import Glibc
import Kernels

/// The libraries of `Tests/Fixtures/cuda`, which run the kernels of GPUs on the processor, built
/// once for all tests.
package enum EmulatedGPU {
    /// The folder with the libraries and their crippled variants; nil without a C++ compiler.
    package static let folder: String? = {
        var template = Array("/tmp/saeval-cuda-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        let folder = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let status = run("bash '\(fixtures)/build.sh' '\(folder)' variants")
        precondition(
            status == 0 || status == 77, "build.sh of the emulated GPU ends with \(status)")
        atexit { EmulatedGPU.remove() }
        // An order of threads that shows a missing barrier; programs that tests start take the
        // forward one.
        setenv("SAEVAL_EMULATOR_ORDER", "shuffle", 0)
        return status == 0 ? folder : nil
    }()

    /// Why tests of it are skipped.
    package static let absence = "there is no C++ compiler for the emulated GPU"

    /// `Tests/Fixtures/cuda`.
    private static let fixtures: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(2).joined(separator: "/") + "/Fixtures/cuda"
    }()

    /// Where the libraries of a variant are looked for, and nowhere else; compiled kernels are kept
    /// beside them.
    package static func searchPath(_ variant: String = "") -> CUDASearchPath {
        let folder = folder ?? ""
        return CUDASearchPath(
            first: ["\(folder)/\(variant)"], includesSystem: false, cache: "\(folder)/cache")
    }

    /// The emulated GPU. It takes every block of memory for itself, so that whatever is read or
    /// written beside one is noticed.
    package static let backend: Result<CUDABackend, any Error> = Result {
        CUDABackend(try CUDADevice(index: 0, in: searchPath(), keepsMemory: false))
    }

    /// Runs a shell command and waits for it.
    private static func run(_ command: String) -> Int32 {
        let status = system(command)
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }

    private static func remove() {
        if let folder { _ = run("rm -rf '\(folder)'") }
    }
}

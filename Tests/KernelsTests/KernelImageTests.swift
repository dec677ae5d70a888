import Basics
import Glibc
import Testing

@testable import Kernels

/// The kernels under NVIDIA's own compiler, which needs no GPU.
///
/// Set `SAEVAL_NVRTC` to the folder of `libnvrtc.so.12`.
@Suite struct KernelImageTests {
    /// The folder of NVRTC.
    private static let folder = getenv("SAEVAL_NVRTC").map { String(cString: $0) }
    private static var searchPath: CUDASearchPath {
        CUDASearchPath(first: folder.map { [$0] } ?? [], includesSystem: false)
    }

    @Test(
        "NVRTC compiles the kernels for every architecture",
        .enabled(if: folder != nil, "SAEVAL_NVRTC is not set"),
        arguments: ["sm_80", "sm_90", "sm_100"])
    func compiles(architecture: String) throws {
        let code = try Compiler(in: Self.searchPath).machineCode(
            of: KernelImage.source, architecture: architecture)
        #expect(code.starts(with: [0x7F, 0x45, 0x4C, 0x46]))  // an ELF file
        let text = String(decoding: code, as: UTF8.self)
        for kernel in ["select_latents", "attention_32", "decode_bf16", "log_sum_exp"] {
            #expect(text.contains(kernel), "\(kernel)")
        }
    }

    @Test(
        "A program that cannot be compiled is an error with the compiler's words",
        .enabled(if: folder != nil, "SAEVAL_NVRTC is not set"))
    func wrongProgram() throws {
        let error = #expect(throws: KernelError.self) {
            try Compiler(in: Self.searchPath).machineCode(
                of: "__global__ void k() { nothing(); }", architecture: "sm_90")
        }
        #expect(error?.message.contains("nothing") == true)
    }

    @Test("The portable kernels were made from the sources as they are")
    func portableIsCurrent() {
        #expect(KernelImage.isPortableCurrent, "run Sources/Kernels/CUDA/make_ptx.py")
    }

    @Test(
        "Kept kernels that were damaged are compiled anew",
        .enabled(if: folder != nil, "SAEVAL_NVRTC is not set"))
    func damaged() throws {
        let folder = "/tmp/saeval-kernels-\(getpid())"
        defer { _ = system("rm -rf \(folder)") }
        let search = CUDASearchPath(
            first: Self.searchPath.first, includesSystem: false, cache: folder)
        let first = KernelImage(architecture: "sm_90", in: search)
        #expect(first.note.hasPrefix("kernels compiled by NVRTC"))
        #expect(KernelImage(architecture: "sm_90", in: search).note.hasPrefix("kernels kept at"))
        let path = "\(folder)/\(try folderContents(folder)[0])"
        var bytes = try readFile(path)
        bytes[bytes.count / 2] ^= 1
        try writeFile(bytes, to: path)
        let again = KernelImage(architecture: "sm_90", in: search)
        #expect(again.note.hasPrefix("kernels compiled by NVRTC"))
        #expect(again.bytes == first.bytes)
    }

    @Test(
        "An architecture that the compiler does not know gets the portable kernels",
        .enabled(if: folder != nil, "SAEVAL_NVRTC is not set"))
    func unknownArchitecture() {
        let search = CUDASearchPath(
            first: Self.searchPath.first, includesSystem: false, cache: "/nonexistent")
        let image = KernelImage(architecture: "sm_999", in: search)
        #expect(image.note.hasPrefix("portable kernels"))
        #expect(image.bytes.last == 0)
        #expect(String(decoding: image.bytes.dropLast(), as: UTF8.self).contains(".target sm_80"))
    }
}

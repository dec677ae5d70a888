import Glibc
import Kernels
import OperationWalk

/// Runs every operation with every awkward shape and type on a backend and compares it with the
/// reference, where there is no Swift to run the tests.
///
///     saeval-walk --device cuda                     all operations
///     saeval-walk --device cuda --only linear,decode --trace
///     saeval-walk --device cuda --describe          the GPU and the libraries that were opened
///
/// One line for each operation, at once; the last line sums up. Exit code 1 when a result is
/// further from the reference than the operation's tolerance, has other bits the second time, or
/// was not tried for want of time.
@main
struct WalkProgram {
    static func main() {
        guard let options = WalkOptions(CommandLine.arguments.dropFirst()) else { usage() }
        let backend: any KernelBackend
        switch options.device {
        case .cpu: backend = CPUBackend()
        case .cuda:
            do {
                let gpu = try CUDABackend()
                say("\(gpu.description), \(gpu.kernelsNote)\n")
                for path in openedLibraries() { say("\(path)\n") }
                backend = gpu
            } catch {
                say("result: no GPU: \(error)\n")
                exit(1)
            }
        }
        if options.isDescription { exit(0) }
        var walk = Walk(options: options, backend: backend)
        exit(walk.run() ? 0 : 1)
    }

    /// Ends with how the program is used.
    private static func usage() -> Never {
        say("saeval-walk [--device cpu|cuda] [--only OPERATION,…] [--limit-seconds N] [--trace]\n")
        say("saeval-walk --device cuda --describe\n")
        say("operations: \(WalkOptions.list(Operation.allCases))\n")
        exit(64)
    }

    /// The paths of CUDA's libraries in this process, links followed, so that they tell versions.
    private static func openedLibraries() -> [String] {
        guard let file = fopen("/proc/self/maps", "r") else { return [] }
        defer { fclose(file) }
        var paths: Set<String> = []
        var bytes = [CChar](repeating: 0, count: 8192)
        while fgets(&bytes, 8192, file) != nil {
            let line = text(of: bytes)
            guard let slash = line.firstIndex(of: "/") else { continue }
            let path = String(line[slash...].prefix { $0 != "\n" })
            let name = path.split(separator: "/").last ?? ""
            let isOfCUDA = ["libcuda.", "libcublas", "libnvrtc"].contains { name.hasPrefix($0) }
            if isOfCUDA { paths.insert(path) }
        }
        return paths.sorted()
    }
}

/// Writes some text at once, to standard output unless told otherwise.
func say(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count <= 0 { return }
        rest = rest.dropFirst(count)
    }
}

/// A number in one of C's formats.
func formatted(_ format: String, _ value: Double) -> String {
    var bytes = [CChar](repeating: 0, count: 64)
    _ = withVaList([value]) { vsnprintf(&bytes, 64, format, $0) }
    return text(of: bytes)
}

/// The text before the first zero.
private func text(of bytes: [CChar]) -> String {
    String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

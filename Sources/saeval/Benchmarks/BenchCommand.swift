import ArgumentParser
import Basics
import Kernels
import Messaging
import Reports
import Storage

/// `saeval bench`
struct BenchCommand: ParsableCommand {
    /// Name, purpose and examples.
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine's arithmetic and disk beside their bounds.",
        discussion: """
            saeval bench
            saeval bench --device cuda --json gpu.json
            saeval bench --store artifacts

            On the processor times are processor times of one core; the share of the peak is against independent
            multiply-adds, the share of OpenBLAS against its product of the same shape. On a GPU times are the
            device's, the fastest and the median of several repetitions, and bounds are measured in the same run.
            """)

    @Flag(help: "Small shapes, a second or two.")
    var quick = false

    @Option(help: "cpu or cuda.")
    var device = BenchmarkDevice.cpu

    @Option(
        help: ArgumentHelp("Measure on the GPU only parts named like this.", valueName: "text"))
    var only: String?

    @Option(
        help: ArgumentHelp("Write all numbers of the GPU to a file as well.", valueName: "file"))
    var json: String?

    @Option(
        help: ArgumentHelp(
            "Measure writing and reading activations in a folder instead.", valueName: "folder"))
    var store: String?

    /// Refuses what belongs to the GPU elsewhere.
    func validate() throws {
        for (name, value) in [("only", only), ("json", json)]
        where value != nil && (device != .cuda || store != nil) {
            throw ValidationError("--\(name) belongs to --device cuda")
        }
    }

    /// Measures and prints a table.
    func run() throws {
        if let store { return try benchmarkStore(store) }
        if device == .cuda {
            return try GPUBenchmarkReport(isQuick: quick, only: only, path: json).run()
        }
        let percent = { (share: Double?) in share.map { decimal(100 * $0, places: 0) + " %" } ?? "-"
        }
        let lines = try kernelBenchmark(quick ? .quick : .full)
        let rows = lines.map { line in
            [
                line.operation, line.shape, decimal(1000 * line.seconds, places: 2),
                "\(decimal(line.rate, places: 1)) \(line.unit)", percent(line.shareOfPeak),
                percent(line.shareOfOpenBLAS),
            ]
        }
        let header = ["operation", "shape", "ms", "rate", "of peak", "of OpenBLAS"]
        print(SummaryTable(header: header, rows: rows, textColumns: [0, 1]).text, terminator: "")
    }

    /// Prints how fast the activation store is beside plain system calls.
    private func benchmarkStore(_ folder: String) throws {
        let result = try StoreBenchmark(folder: folder, messenger: Messenger.start())
        let rate = { (seconds: Double) in
            decimal(Double(result.byteCount) / seconds / 1e6, places: 0)
        }
        let rows = [
            ("write", result.storeWrite, result.plainWrite),
            ("read", result.storeRead, result.plainRead),
        ].map { name, ours, plain in
            [name, rate(ours), rate(plain), decimal(100 * plain / ours, places: 0) + " %"]
        }
        print(
            "\(result.byteCount / 1_000_000) MB of activations; plain: pwrite and fdatasync, pread")
        print(
            SummaryTable(
                header: ["", "store MB/s", "plain MB/s", "share"], rows: rows, textColumns: [0]
            ).text, terminator: "")
    }
}

/// Where ``BenchCommand`` measures.
enum BenchmarkDevice: String, ExpressibleByArgument, CaseIterable {
    case cpu, cuda
}

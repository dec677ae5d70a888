import ArgumentParser
import Kernels
import Messaging
import Reports
import Storage

/// `saeval bench`
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine's arithmetic and disk beside their bounds, on one core.",
        discussion: """
            saeval bench
            saeval bench --store artifacts

            The share of the peak is against independent multiply-adds on one core, the share of OpenBLAS against
            its product of the same shape on one thread. Times are processor times.
            """)

    @Flag(help: "Small shapes, a second or two.")
    var quick = false

    @Option(
        help: ArgumentHelp(
            "Measure writing and reading activations in a folder instead.", valueName: "folder"))
    var store: String?

    func run() throws {
        if let store { return try benchmarkStore(store) }
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

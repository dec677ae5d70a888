import ArgumentParser
import Kernels
import Reports

/// `saeval bench`
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine's arithmetic beside its bounds, on one core.",
        discussion: """
            saeval bench

            The share of the peak is against independent multiply-adds on one core, the share of OpenBLAS against
            its product of the same shape on one thread. Times are processor times.
            """)

    @Flag(help: "Small shapes, a second or two.")
    var quick = false

    func run() throws {
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
}

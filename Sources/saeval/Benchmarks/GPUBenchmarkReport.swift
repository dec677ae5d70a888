import ArgumentParser
import Basics
import Kernels
import Reports
import Runs

/// Measures the GPU, says each number as it comes, and ends with a table.
struct GPUBenchmarkReport {
    /// Whether shapes are small.
    var isQuick: Bool
    /// Parts whose names have this in them; nil for all.
    var only: String?
    /// A file for all numbers, written anew after every line so that none is lost; nil for none.
    var path: String?

    /// Measures.
    ///
    /// - Throws: what keeps all from being measured; parts that fail are told at the end and give
    ///   exit code 1.
    func run() throws {
        let backend = try CUDABackend()
        let written = Written(path: path, device: backend.description)
        var benchmark = GPUBenchmark(backend, isQuick ? .quick : .full) { written.add($0) }
        benchmark.only = only
        benchmark.measureOperations()
        benchmark.measureModel()
        print(backend.description)
        print(Self.table(of: benchmark.measurements).text, terminator: "")
        for line in benchmark.measurements {
            if let note = line.note { print("\(line.operation), \(line.shape): \(note)") }
        }
        print("Most memory in use: \(backend.memoryPeakBytes >> 20) MiB")
        for (part, error) in benchmark.failures {
            Console.write("\(part) was not measured: \(error)\n")
        }
        if let error = written.error { throw error }
        guard benchmark.failures.isEmpty else { throw ExitCode(1) }
    }

    /// One row for each line.
    static func table(of lines: [GPUMeasurement]) -> SummaryTable {
        let percent = { (share: Double?) in share.map { decimal(100 * $0, places: 0) + " %" } ?? "-"
        }
        let rows = lines.map { line in
            [
                line.operation, line.shape, decimal(1000 * line.timing.fastest, places: 4),
                decimal(1000 * line.timing.median, places: 4),
                "\(decimal(line.rate, places: 1)) \(line.unit.rawValue)", percent(line.share),
                line.bound ?? "-", percent(line.goal),
            ]
        }
        return SummaryTable(
            header: ["operation", "shape", "ms", "median", "rate", "share", "of", "goal"],
            rows: rows, textColumns: [0, 1, 6])
    }

    /// The file of numbers, as far as they are known.
    private final class Written {
        /// Its path.
        let path: String?
        /// What the GPU is.
        let device: String
        /// The lines so far.
        private var lines: [JSON] = []
        /// Why the file could not be written.
        private(set) var error: (any Error)?

        /// Writes nothing yet.
        init(path: String?, device: String) { (self.path, self.device) = (path, device) }

        /// Says a line and writes all of them.
        func add(_ line: GPUMeasurement) {
            let share = line.share.map {
                ", \(decimal(100 * $0, places: 0)) % of \(line.bound ?? "")"
            }
            Console.write(
                "\(line.operation), \(line.shape): \(decimal(1000 * line.timing.fastest, places: 4))"
                    + " ms, \(decimal(line.rate, places: 1)) \(line.unit.rawValue)"
                    + "\(share ?? "")\n")
            lines.append(line.json)
            guard let path else { return }
            let all = JSON.object([
                "program": .string("saeval"), "device": .string(device),
                "measurements": .array(lines),
            ])
            do {
                try writeFile(Array((all.text(indent: 1) + "\n").utf8), to: path)
            } catch { self.error = error }
        }
    }
}

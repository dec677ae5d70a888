import ArgumentParser
import Kernels
import Reports

/// `saeval bench`
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the arithmetic of this machine beside its bounds.",
        discussion: "saeval bench")

    func run() throws {
        print("to come")
    }
}

import Basics
import Glibc
import Testing

/// Something wrong that the program is given, and what it must say.
struct Mistake: Sendable, CustomTestStringConvertible {
    /// What is wrong.
    var testDescription: String
    /// Parts of the sentence: file, value, remedy. `{}` stands for the bench's folder.
    var says: [String]
    /// Makes the files and returns the command line without the program.
    var prepare: @Sendable (Workbench) throws -> [String]

    init(
        _ description: String, says: [String],
        _ prepare: @escaping @Sendable (Workbench) throws -> [String]
    ) {
        (testDescription, self.says, self.prepare) = (description, says, prepare)
    }

    /// A mistake in the flags of a tiny run.
    init(_ description: String, flags: [String], says: [String]) {
        self.init(description, says: says) { $0.tiny(flags) }
    }

    /// A mistake in a dataset's bytes.
    init(_ description: String, dataset bytes: [UInt8], says: [String]) {
        self.init(description, says: ["{}/text.jsonl"] + says) { bench in
            bench.tiny(["--datasets", "quickstart/corpus=\(try bench.write("text.jsonl", bytes))"])
        }
    }

    /// Makes the mistake and checks that one sentence says so and that nothing is half-written.
    ///
    /// - Parameters:
    ///   - command: takes the place of the subcommand.
    ///   - ranks: starts it under `mpirun`, which adds sentences of its own.
    func check(command: String? = nil, ranks: Int? = nil) throws {
        let bench = try Workbench()
        var arguments = try prepare(bench)
        if let command { arguments[0] = command }
        let ending = try bench.saeval(arguments, ranks: ranks)
        #expect(ending.status == 64, "\(ending)")
        #expect(ending.output.isEmpty, "\(ending)")
        let lines = ending.errors.split(separator: "\n")
        let own = lines.filter { $0.hasPrefix("saeval: ") }
        #expect(own.count == 1, "not one sentence: \(ending)")
        if ranks == nil { #expect(lines.count == 1, "not one line: \(ending)") }
        let sentence = own.first.map(String.init) ?? ""
        for part in says.map({ $0.replacing("{}", with: bench.path) }) {
            #expect(sentence.contains(part), "does not say “\(part)”: \(sentence)")
        }
        #expect(sentence.contains(" Try: "), "names no remedy: \(sentence)")
        bench.expectNothingHalfWritten()
    }
}

extension Workbench {
    /// Checks that no result and no unfinished file is there.
    func expectNothingHalfWritten() {
        let names = files(below: path)
        let unwanted = names.filter {
            $0.contains("eval_results") || $0.hasSuffix("results.csv") || $0.hasSuffix(".partial")
                || $0.hasSuffix(".lock")
                || $0.hasSuffix(".h5")
        }
        #expect(unwanted == [], "half-written")
    }

    /// The quickstart's model with links for files, to damage some of them.
    func model(without missing: String...) throws -> String {
        try makeFolder(file("model"))
        let source = "\(Program.root)/configs/quickstart/model"
        for name in try folderContents(source) where !missing.contains(name) {
            try #require(symlink("\(source)/\(name)", file("model/\(name)")) == 0)
        }
        return file("model")
    }
}

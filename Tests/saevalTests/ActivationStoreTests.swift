import Basics
import Foundation
import Testing

extension ProgramTests {
    /// What the program does about damaged activation files.
    @Suite("Activation files")
    struct ActivationStoreTests {
        /// The offsets of the data sets of an activation file, from the line of text on its first page.
        struct Places {
            /// Ranges of bytes, ascending.
            let ranges: [Range<Int>]

            init(_ path: String) throws {
                let line = try #require(readFile(path).split(separator: 0x0A, maxSplits: 1).first)
                let start = try #require(line.firstIndex(of: UInt8(ascii: "{")))
                let seal = try JSON(parsing: Array(line[start...]), source: path)
                let pairs = seal["data"]?.elements ?? []
                ranges = pairs.compactMap { pair in
                    guard let first = pair.elements?.first?.integer,
                        let end = pair.elements?.last?.integer
                    else { return nil }
                    return first..<end
                }
                try #require(ranges.count == 4)
            }

            /// The activations, by far the largest.
            var activations: Range<Int> { ranges.max { $0.count < $1.count } ?? 0..<0 }
            /// The marks of finished blocks, one byte each.
            var done: Range<Int> { ranges.min { $0.count < $1.count } ?? 0..<0 }
        }

        /// A way to damage the files of a run, and what the run after it says.
        struct Damage: Sendable, CustomTestStringConvertible {
            var testDescription: String
            /// Damages; gets the paths of two activation files.
            var make: @Sendable ([String]) throws -> Void
            /// Something that the next run's log or standard error must say.
            var notice: String
        }

        static let damages = [
            Damage(
                testDescription: "a flipped byte in the first block",
                make: { try flipByte($0[0], at: Places($0[0]).activations.lowerBound + 77) },
                notice: "the block was computed again"),
            Damage(
                testDescription: "a flipped byte in the last block",
                make: { try flipByte($0[1], at: Places($0[1]).activations.upperBound - 1) },
                notice: "the block was computed again"),
            Damage(
                testDescription: "a flipped byte in a middle block of both files",
                make: { paths in
                    for path in paths {
                        let range = try Places(path).activations
                        try flipByte(path, at: (range.lowerBound + range.upperBound) / 2)
                    }
                }, notice: "the block was computed again"),
            Damage(
                testDescription: "a flipped mark of a finished block",
                make: { try flipByte($0[0], at: Places($0[0]).done.lowerBound + 1) },
                notice: "lacks 1 blocks"),
            Damage(
                testDescription: "a truncated file", make: { try truncateFile($0[1], to: 50_000) },
                notice: "Made anew"),
            Damage(
                testDescription: "an empty file", make: { try truncateFile($0[0], to: 0) },
                notice: "Made anew"),
            Damage(
                testDescription: "a flipped byte in the head",
                make: { try flipByte($0[0], at: 4096 + 100) },
                notice: "Made anew"),
            Damage(
                testDescription: "the content of the other layer under the name of this one",
                make: { paths in
                    unlink(paths[0])
                    try FileManager.default.copyItem(atPath: paths[1], toPath: paths[0])
                }, notice: "Made anew"),
            Damage(
                testDescription: "an unfinished file of other content",
                make: { paths in
                    unlink(paths[0])
                    try FileManager.default.copyItem(
                        atPath: paths[1], toPath: paths[0] + ".partial")
                }, notice: "Made anew"),
            Damage(
                testDescription: "an unfinished file of this content",
                make: { paths in
                    try FileManager.default.moveItem(
                        atPath: paths[0], toPath: paths[0] + ".partial")
                    try flipByte(
                        paths[0] + ".partial", at: Places(paths[0] + ".partial").done.lowerBound)
                }, notice: "is resumed with 1 of 3 blocks to go"),
        ]

        /// Results and artifacts of a run without damage.
        static let whole = Result<(RunResults, [String: [UInt8]]), any Error> {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.small()).status == 0)
            return (try bench.results(), try bench.artifactBytes())
        }

        @Test(
            "Damage is noticed, made good, and does not change a result", arguments: damages)
        func damage(_ damage: Damage) throws {
            let bench = try Workbench()
            let (results, artifacts) = try Self.whole.get()
            for (name, bytes) in artifacts { try bench.write("artifacts/\(name)", bytes) }
            let names = artifacts.keys.filter { $0.hasSuffix(".h5") }.sorted()
            #expect(names.count == 2)
            try damage.make(names.map { "\(bench.artifacts)/\($0)" })

            let ending = try bench.saeval(bench.small(), ranks: 3)
            #expect(ending.status == 0, "\(ending)")
            let log = String(decoding: try readFile(bench.output + "/log.jsonl"), as: UTF8.self)
            #expect((ending.errors + log).contains(damage.notice), "\(ending) \(log)")
            #expect(try bench.results().differences(from: results) == [])
            #expect(try bench.artifactBytes() == artifacts, "the files were not mended")
        }

        @Test("Damaged token rows are made again")
        func damagedTokens() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.tiny()).status == 0)
            let results = try bench.results()
            let artifacts = try bench.artifactBytes()
            let name = try #require(artifacts.keys.first { $0.hasPrefix("tokens/") })
            try flipByte("\(bench.artifacts)/\(name)", at: try #require(artifacts[name]).count - 3)
            try bench.remove("run")
            let ending = try bench.saeval(bench.tiny())
            #expect(ending.status == 0, "\(ending)")
            #expect(try bench.results() == results)
            #expect(try bench.artifactBytes() == artifacts)
        }

        @Test("Two runs with other autoencoders share what they can")
        func shared() throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.small()).status == 0)
            let artifacts = try bench.artifactBytes()
            let ending = try bench.saeval(
                bench.small(["--output", bench.file("other")], kinds: "relu"))
            #expect(ending.status == 0, "\(ending)")
            #expect(
                !bench.contains(bench.file("other/log.jsonl"), "\"block\""),
                "activations were computed again")
            #expect(try bench.artifactBytes() == artifacts)
        }

        @Test(
            "h5dump opens activation files",
            .enabled(if: Program.find("h5dump") != nil, "h5dump is not installed"),
            arguments: ["float32", "bfloat16"])
        func dump(type: String) throws {
            let bench = try Workbench()
            #expect(try bench.saeval(bench.tiny(["--dtype", type])).status == 0)
            let name = try #require(
                bench.files(below: bench.artifacts).first { $0.hasSuffix(".h5") })
            let ending = try RunningProgram(
                ["h5dump", "-H", "\(bench.artifacts)/\(name)"], folder: bench.path
            ).ending()
            #expect(ending.status == 0, "\(ending)")
            for set in ["acts", "tokens", "checksums", "done"] {
                #expect(ending.output.contains("DATASET \"\(set)\""), "\(ending)")
            }
            #expect(
                ending.output.contains("DATASPACE  SIMPLE { ( 64, 128 ) / ( 64, 128 ) }"),
                "\(ending)")
        }
    }
}

import Testing

extension ProgramTests {
    /// The same bytes whatever the ranks and threads.
    @Suite("Ranks and threads")
    struct RankTests {
        /// A way to start a run.
        struct Start: Sendable, CustomTestStringConvertible {
            var type = "float32"
            /// Ranks under `mpirun`; nil is the program alone.
            var ranks: Int?
            var threads: Int?

            var testDescription: String {
                [
                    type, ranks.map { "mpirun -n \($0)" } ?? "no mpirun",
                    threads.map { "--threads \($0)" },
                ].compactMap { $0 }.joined(separator: ", ")
            }

            /// Runs and returns the results and the bytes of all artifacts.
            func results() throws -> (RunResults, [String: [UInt8]]) {
                let bench = try Workbench()
                var arguments = bench.small(["--dtype", type], kinds: "topk|jumprelu")
                if let threads { arguments += ["--threads", "\(threads)"] }
                let ending = try bench.saeval(arguments, ranks: ranks)
                #expect(ending.status == 0, "\(ending)")
                return (try bench.results(), try bench.artifactBytes())
            }
        }

        /// Results and artifacts of the program alone with one thread, by stored type.
        static let alone: [String: Result<(RunResults, [String: [UInt8]]), any Error>] = Dictionary(
            uniqueKeysWithValues: ["float32", "float16", "bfloat16"].map { type in
                (type, Result { try Start(type: type, threads: 1).results() })
            })

        @Test(
            "Ranks, threads and mpirun do not change a byte of results and artifacts",
            arguments: [
                Start(), Start(threads: 2), Start(ranks: 1), Start(ranks: 2),
                Start(ranks: 3, threads: 2), Start(ranks: 4),
                Start(type: "float16", ranks: 3, threads: 2),
                Start(type: "bfloat16", ranks: 3, threads: 2),
            ])
        func sameBytes(_ start: Start) throws {
            let (expected, expectedArtifacts) = try #require(Self.alone[start.type]).get()
            let (results, artifacts) = try start.results()
            #expect(expected.texts.count == 5)
            #expect(results.differences(from: expected) == [])
            #expect(artifacts.count == 3)
            #expect(artifacts == expectedArtifacts)
        }

        @Test(
            "Activations in waves that a small disk holds, or never stored, do not change a result",
            arguments: [
                (["--disk-gib", "0.003"], nil), (["--disk-gib", "0.003"], 2),
                (["--activations", "recompute"], nil), (["--activations", "recompute"], 3),
            ] as [([String], Int?)])
        func storage(flags: [String], ranks: Int?) throws {
            let bench = try Workbench()
            let arguments = bench.small(flags + ["--threads", "1"], kinds: "topk|jumprelu")
            let ending = try bench.saeval(arguments, ranks: ranks)
            #expect(ending.status == 0, "\(ending)")
            let (expected, _) = try #require(Self.alone["float32"]).get()
            #expect(try bench.results().differences(from: expected) == [])
            #expect(!bench.files(below: bench.artifacts).contains { $0.hasSuffix(".h5") })
        }

        @Test("Stored types change results, and not by much")
        func typesDiffer() throws {
            let texts = try ["float32", "float16", "bfloat16"].map { type in
                try #require(try Self.alone[type]?.get().0.texts["results.csv"])
            }
            #expect(Set(texts).count == 3)
            let columns = texts.map { text in
                text.split(separator: "\n").filter { $0.contains(",ce_loss_with_sae,") }
                    .compactMap { $0.split(separator: ",").last.flatMap { Double($0) } }
            }
            for column in columns {
                #expect(column.count == 4)
                #expect(zip(column, columns[0]).allSatisfy { abs($0 - $1) < 0.02 * $1 })
            }
        }
    }
}

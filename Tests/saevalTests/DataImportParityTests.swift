import Basics
import Foundation
import Testing

/// The path of the real `duckdb`; nil when it is not installed.
private let duckdb: String? =
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/duckdb" }.first { FileManager.default.isExecutableFile(atPath: $0) }

extension ProgramTests {
    /// `data import` with the real `duckdb`, on Parquet files that it writes itself.
    @Suite("Data import with duckdb", .enabled(if: duckdb != nil, "duckdb is not installed"))
    struct DataImportParityTests {
        @Test("100,000 rows in three files of many row groups keep order, types and every byte")
        func rows() throws {
            let bench = try ImportBench(hasStandIn: false)
            let sizes = [40_000, 25_000, 35_000]
            var start = 0
            for (index, size) in sizes.enumerated() {
                try write(
                    """
                    SELECT i AS id, (i % 7)::INT AS label, CASE WHEN i % 2 = 0 THEN 1.0 ELSE 5.5 END::DOUBLE AS rating,
                        'it''s "' || i || E'"\\n\\t\\\\ é 😀' || repeat('x', (i % 50)::INT) AS text,
                        {'en': 'a' || i, 'fr': 'ç"' || i} AS translation, i % 3 = 0 AS flag,
                        CASE WHEN i % 5 = 0 THEN NULL ELSE i END AS gap, [i, i + 1] AS pair
                    FROM range(\(start), \(start + size)) t(i)
                    """, to: "parquet/data/train-0000\(index)-of-00003.parquet", in: bench.bench)
                start += size
            }
            let ending = try bench.importing(
                ["toy/rows", "--from", bench.bench.file("parquet"), "--compression", "none"])
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains(": 100000 rows"), "\(ending)")
            let bytes = try readFile("\(bench.out)/toy/rows/train.jsonl")
            let lines = bytes.split(separator: 0x0A)
            try #require(lines.count == 100_000)
            for (i, line) in lines.enumerated() {
                let id = Array("{\"id\":\(i),\"label\":\(i % 7),".utf8)
                try #require(line.starts(with: id), "row \(i)")
            }
            for i in [0, 1, 39_999, 40_000, 64_999, 65_000, 99_999] {
                let row = try JSON(parsing: Array(lines[i]), source: "row \(i)")
                let text = "it's \"\(i)\"\n\t\\ é 😀" + String(repeating: "x", count: i % 50)
                #expect(row["text"]?.text == text)
                #expect(row["rating"]?.double == (i % 2 == 0 ? 1 : 5.5))
                #expect(row["translation"]?["fr"]?.text == "ç\"\(i)")
                #expect(row["flag"]?.truth == (i % 3 == 0))
                #expect(row["gap"]?.integer == (i % 5 == 0 ? nil : i))
                #expect(row["pair"]?.elements?.map(\.integer) == [i, i + 1])
            }
        }

        @Test("Only wanted columns and rows are kept, compressed as wanted")
        func columns() throws {
            let bench = try ImportBench(hasStandIn: false)
            try write(
                "SELECT i AS \"a\"\"b\", 'x' AS c, i % 2 AS d FROM range(10) t(i)",
                to: "it's [1] *?/test-00000-of-00001-0ab.parquet", in: bench.bench)
            // A file that the other one's name would match if it were a pattern.
            try write(
                "SELECT 99 AS \"a\"\"b\", 'y' AS c, 0 AS d",
                to: "it's 1 zz/test-00000-of-00001-0ab.parquet", in: bench.bench)
            let arguments = [
                "toy/rows", "--from", bench.bench.file("it's [1] *?"), "--columns", "d,a\"b",
                "--limit", "2",
            ]
            let endings = try ["gzip", "zstd", "none"].map { kind in
                try bench.importing(
                    arguments + ["--compression", kind, "--out", "\(bench.out)/\(kind)"])
            }
            #expect(endings.allSatisfy { $0.status == 0 }, "\(endings)")
            let text = "{\"d\":0,\"a\\\"b\":0}\n{\"d\":1,\"a\\\"b\":1}\n"
            let plain = try readFile("\(bench.out)/none/toy/rows/test.jsonl")
            #expect(String(decoding: plain, as: UTF8.self) == text)
            let starts: [(String, [UInt8])] = [
                ("gzip/toy/rows/test.jsonl.gz", [0x1F, 0x8B]),
                ("zstd/toy/rows/test.jsonl.zst", [0x28, 0xB5, 0x2F, 0xFD]),
            ]
            for (file, start) in starts {
                #expect(try readFile("\(bench.out)/\(file)").starts(with: start), "\(file)")
            }
        }

        @Test(
            "Source files get the language that their path tells, and other languages are left out")
        func sourceCode() throws {
            let bench = try ImportBench(hasStandIn: false)
            try write(
                """
                SELECT * FROM (VALUES ('int x;', 'a/b.c'), ('x = 1', 'b.py'), ('#', 'Makefile'), ('<p>', 'c.html'),
                    ('class A', 'A.java'), ('<?php', 'd.php5'), ('x', 'e.cc'), ('y', 'f.h')) t(content, path)
                """, to: "parquet/data/train-00000-of-01126.parquet", in: bench.bench)
            let ending = try bench.importing([
                "codeparrot/github-code", "--from", bench.bench.file("parquet"), "--limit", "5",
                "--compression", "none",
            ])
            #expect(ending.status == 0, "\(ending)")
            let bytes = try readFile("\(bench.out)/codeparrot/github-code/train.jsonl")
            let rows = try bytes.split(separator: 0x0A).map {
                try JSON(parsing: Array($0), source: "a row")
            }
            #expect(rows.map { $0["language"]?.text } == ["C", "Python", "HTML", "Java", "PHP"])
            #expect(rows.first?["code"]?.text == "int x;")
        }

        /// Writes rows as a Parquet file with row groups of 2,048 rows.
        private func write(_ query: String, to name: String, in bench: Workbench) throws {
            try makeFolder(parentFolder(of: bench.file(name)))
            let place = bench.file(name).replacing("'", with: "''")
            let ending = try RunningProgram(
                [
                    try #require(duckdb), "-init", "/dev/null", "-c",
                    "COPY (\(query)) TO '\(place)' (FORMAT parquet, ROW_GROUP_SIZE 2048)",
                ], folder: bench.path
            ).ending()
            try #require(ending.status == 0, "\(ending)")
        }
    }
}

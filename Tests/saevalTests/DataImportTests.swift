import Basics
import Foundation
import Testing

extension ProgramTests {
    /// `data import` with a stand-in for `duckdb` that notes what it is told.
    @Suite("Data import")
    struct DataImportTests {
        @Test("A dataset in the hub's cache becomes lines, and the config's lines are printed")
        func fromCache() throws {
            let bench = try ImportBench()
            try bench.cache(
                "toy/bios",
                [
                    "data/train-00001-of-00002-abc.parquet",
                    "data/train-00000-of-00002-abc.parquet",
                    "data/test-00000-of-00001-abc.parquet",
                ])
            let ending = try bench.importing(["toy/bios", "--columns", "text,label"])
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.output == "datasets:\n  toy/bios: \(bench.out)/toy/bios\n")
            #expect(ending.errors.contains("train.jsonl.zst: 7 rows"), "\(ending)")
            #expect(
                bench.made == ["toy/bios/test.jsonl.zst", "toy/bios/train.jsonl.zst"],
                "nothing is left beside the files")
            let copies = try bench.statements().filter { $0.contains("COPY") }
            try #require(copies.count == 2)
            #expect(copies[1].contains("SELECT \"text\", \"label\" FROM"))
            let first = try #require(copies[1].firstRange(of: "train-00000-of-00002"))
            let second = try #require(copies[1].firstRange(of: "train-00001-of-00002"))
            #expect(first.lowerBound < second.lowerBound, "files are in the order of their rows")
        }

        @Test("Names with quotes, semicolons and patterns stay names")
        func quoting() throws {
            let bench = try ImportBench()
            let folder = "it's; [a] *"
            try bench.bench.write("\(folder)/train.parquet", "")
            let out = bench.bench.file("o'ut; --")
            let ending = try bench.importing(
                ["toy/bios", "--from", bench.bench.file(folder), "--columns", "a\"b", "--out", out])
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("no column `a\"b`; it has text, label"), "\(ending)")
            let asked = try #require(try bench.statements().first)
            #expect(asked.contains("/it''s; [[]a] [*]/train.parquet'"), "\(asked)")
            let named = try bench.importing(
                ["toy/bios", "--from", bench.bench.file(folder), "--out", out])
            #expect(named.status == 0, "\(named)")
            let copied = try #require(try bench.statements().last)
            #expect(
                copied.contains("TO '\(bench.bench.path)/o''ut; --/toy/bios/train"), "\(copied)")
            #expect(fileExists("\(out)/toy/bios/train.jsonl.zst"))
        }

        @Test("What is there is not replaced without --force, and not doubled with it")
        func existing() throws {
            let bench = try ImportBench()
            try bench.cache("toy/news", ["data/train-00000-of-00001.parquet"])
            #expect(try bench.importing(["toy/news"]).status == 0)
            let before = try bench.statements().count
            let again = try bench.importing(["toy/news"])
            #expect(again.status == 64, "\(again)")
            #expect(again.errors.contains("train.jsonl.zst is there already"), "\(again)")
            let other = try bench.importing(["toy/news", "--compression", "gzip", "--force"])
            #expect(other.status == 64, "\(other)")
            #expect(other.errors.contains("would not know which to read"), "\(other)")
            #expect(try bench.statements().count == before, "nothing was asked for")
            #expect(try bench.importing(["toy/news", "--force"]).status == 0)
            #expect(bench.made == ["toy/news/train.jsonl.zst"])
        }

        @Test("A conversion that fails is one sentence and leaves what was there")
        func failure() throws {
            let bench = try ImportBench()
            try bench.cache("toy/news", ["data/train-00000-of-00001.parquet"])
            #expect(try bench.importing(["toy/news"]).status == 0)
            let failed = try bench.importing(
                ["toy/news", "--force"], variables: ["STUB_FAILS": "1"])
            #expect(failed.status == 64, "\(failed)")
            #expect(
                failed.errors.contains("Split `train` cannot be converted: IO Error: no room"),
                "\(failed)")
            #expect(failed.errors.split(separator: "\n").count == 1, "\(failed)")
            #expect(failed.output.isEmpty)
            #expect(bench.made == ["toy/news/train.jsonl.zst"])
            let place = "\(bench.out)/toy/news/train.jsonl.zst"
            #expect(String(decoding: try readFile(place), as: UTF8.self) == "{\"text\":\"x\"}\n")
        }

        @Test(
            "What cannot be imported is one sentence that says what to do",
            arguments: [
                (["toy/none"], "hf download --repo-type dataset toy/none"),
                (["toy/news", "--splits", "tran"], "Try: `train`"),
                (["toy/news", "--config", "en-fr"], "no configuration `en-fr`"),
                (["toy/news", "--from", "/nowhere"], "Folder /nowhere does not exist"),
                (["toy/half"], "1 of 2 files are there"),
                (["toy/half", "--limit", "9"], "has 7 rows of 9"),
                (["toy/mixed"], "cannot both be files of one split"),
                (["toy/lines"], ".jsonl and .csv files need no import"),
                (["no id"], "hub id"),
            ])
        func mistakes(arguments: [String], part: String) throws {
            let bench = try ImportBench()
            try bench.cache("toy/news", ["data/train-00000-of-00001.parquet"])
            try bench.cache("toy/half", ["train-00000-of-00002.parquet"])
            try bench.cache("toy/lines", ["train.jsonl"])
            try bench.cache(
                "toy/mixed",
                ["train-00000-of-00001-aaa.parquet", "train-00000-of-00001-bbb.parquet"])
            let ending = try bench.importing(arguments)
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains(part), "\(ending)")
            #expect(ending.errors.contains(" Try: "), "\(ending)")
            #expect(ending.errors.split(separator: "\n").count == 1, "\(ending)")
            #expect(bench.made.isEmpty)
        }

        @Test("Without duckdb one sentence says how to get it")
        func withoutProgram() throws {
            let bench = try ImportBench()
            try bench.cache("toy/news", ["data/train-00000-of-00001.parquet"])
            let ending = try bench.importing(["toy/news"], variables: ["PATH": bench.bench.path])
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("pip install --user duckdb-cli"), "\(ending)")
            #expect(ending.errors.split(separator: "\n").count == 1, "\(ending)")
        }

        @Test("Configurations get folders of their own, and rows of the first files can be taken")
        func configurations() throws {
            let bench = try ImportBench()
            try bench.cache(
                "Helsinki-NLP/europarl",
                ["en-fr/train-00000-of-00009.parquet", "de-en/train-00000-of-00001.parquet"])
            let ending = try bench.importing(
                ["Helsinki-NLP/europarl", "--config", "en-fr", "--limit", "3"])
            #expect(ending.status == 0, "\(ending)")
            #expect(bench.made == ["Helsinki-NLP/europarl/en-fr/train.jsonl.zst"])
            #expect(ending.errors.contains(": 3 rows"), "\(ending)")
            #expect(ending.output.hasSuffix("europarl: \(bench.out)/Helsinki-NLP/europarl\n"))
            #expect(try #require(try bench.statements().last).contains(" LIMIT 3) TO "))
        }
    }
}

/// A folder with a hub cache, an output folder and a stand-in for `duckdb`.
final class ImportBench: Sendable {
    /// The folder.
    let bench: Workbench
    /// The folder of the program that is put before the path; nil takes the path as it is.
    private let programs: String?

    /// Where imports go.
    var out: String { bench.file("data") }
    /// The files that were made.
    var made: [String] { bench.files(below: out) }

    /// Makes the folder, with the stand-in or for the real program.
    init(hasStandIn: Bool = true) throws {
        bench = try Workbench()
        guard hasStandIn else {
            programs = nil
            return
        }
        programs = bench.file("programs")
        let script = try bench.write(
            "programs/duckdb",
            """
            #!/bin/sh
            log="$(dirname "$0")/log.$$"
            cat > "$log"
            echo "$*" >> "$log"
            if grep -q COPY "$log"; then
                target="$(sed -n "s/.* TO '\\(.*\\)' (FORMAT.*/\\1/p" "$log" | sed "s/''/'/g")"
                echo '{"text":"x"}' > "$target"
                if [ -n "$STUB_FAILS" ]; then
                    printf 'IO Error:   no room\\nLINE 1: COPY\\n' >&2
                    exit 1
                fi
            else
                echo '[{"column_name":"text","rows":7},'
                echo '{"column_name":"label","rows":7}]'
            fi
            """)
        try #require(chmod(script, 0o755) == 0)
    }

    /// Puts empty files into the cache as a dataset's main branch.
    func cache(_ id: String, _ files: [String]) throws {
        let place = "hub/datasets--\(id.replacing("/", with: "--"))"
        try bench.write("\(place)/refs/main", "c0ffee")
        for file in files { try bench.write("\(place)/snapshots/c0ffee/\(file)", "") }
    }

    /// Runs `saeval data import`.
    func importing(_ arguments: [String], variables: [String: String] = [:]) throws -> Ending {
        var all = ["HF_HUB_CACHE": bench.file("hub")]
        if let programs { all["PATH"] = "\(programs):/usr/bin:/bin" }
        let hasOut = arguments.contains("--out")
        return try bench.saeval(
            ["data", "import"] + arguments + (hasOut ? [] : ["--out", out]),
            variables: all.merging(variables) { $1 })
    }

    /// What the stand-in was told, in order.
    func statements() throws -> [String] {
        let folder = bench.file("programs")
        let logs = try folderContents(folder).filter { $0.hasPrefix("log.") }.map { name in
            let place = "\(folder)/\(name)"
            let time = try FileManager.default.attributesOfItem(atPath: place)[.modificationDate]
            return (time as? Date ?? .distantPast, place)
        }
        return try logs.sorted { $0.0 < $1.0 }.map {
            String(decoding: try readFile($0.1), as: UTF8.self)
        }
    }
}

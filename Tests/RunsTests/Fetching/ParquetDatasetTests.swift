import Basics
import Formats
import Testing

@testable import Plans
@testable import Provisioning

/// Which Parquet files are found and how they are grouped.
@Suite("Parquet files of a dataset")
struct ParquetDatasetTests {
    /// Configuration, split and file names of what a folder with files gives.
    private func found(_ files: [String]) throws -> [[String]] {
        let folder = try TemporaryFolder()
        for file in files { try touch(file, in: folder) }
        return try ParquetDataset(folder: folder.path).splits.map { split in
            let names = split.files.map { String($0.dropFirst(folder.path.count + 1)) }
            return [split.configuration ?? "-", split.name] + names + (split.gap.map { [$0] } ?? [])
        }
    }

    /// Makes an empty file.
    private func touch(_ file: String, in folder: TemporaryFolder) throws {
        try makeFolder(parentFolder(of: "\(folder.path)/\(file)"))
        _ = try folder.write("", to: file)
    }

    @Test(
        "Files are grouped by configuration and split in the order of their rows",
        arguments: [
            (
                ["data/train-00001-of-00002.parquet", "data/train-00000-of-00002.parquet"],
                [
                    [
                        "-", "train", "data/train-00000-of-00002.parquet",
                        "data/train-00001-of-00002.parquet",
                    ]
                ]
            ),
            (["train.parquet", "README.md"], [["-", "train", "train.parquet"]]),
            (
                ["en-fr/train-00000-of-00001.parquet", "de-en/train-00000-of-00001.parquet"],
                [
                    ["de-en", "train", "de-en/train-00000-of-00001.parquet"],
                    ["en-fr", "train", "en-fr/train-00000-of-00001.parquet"],
                ]
            ),
            (
                [
                    "default/test/0000.parquet", "default/train/0001.parquet",
                    "default/train/0000.parquet",
                ],
                [
                    ["-", "test", "default/test/0000.parquet"],
                    ["-", "train", "default/train/0000.parquet", "default/train/0001.parquet"],
                ]
            ),
            (
                ["plain/partial-train/0000.parquet"],
                [
                    [
                        "plain", "train", "plain/partial-train/0000.parquet",
                        "the hub converted only its beginning",
                    ]
                ]
            ),
            (
                [
                    "test-00000-of-00003-0ab65b32c47407e8.parquet",
                    "test-00002-of-00003-0ab65b32c47407e8.parquet",
                ],
                [
                    [
                        "-", "test", "test-00000-of-00003-0ab65b32c47407e8.parquet",
                        "test-00002-of-00003-0ab65b32c47407e8.parquet",
                        "the file with the number 1 is missing",
                    ]
                ]
            ),
        ])
    func groups(files: [String], splits: [[String]]) throws {
        #expect(try found(files) == splits)
    }

    @Test("The hub's own conversion is taken when the main branch has no Parquet files")
    func converted() throws {
        let folder = try TemporaryFolder()
        let place = "datasets--org--text"
        for (reference, commit) in [("main", "aaa"), ("refs/convert/parquet", "bbb")] {
            try touch("\(place)/refs/\(reference)", in: folder)
            _ = try folder.write(commit, to: "\(place)/refs/\(reference)")
        }
        try touch("\(place)/snapshots/aaa/train.json", in: folder)
        try touch("\(place)/snapshots/bbb/default/train/0000.parquet", in: folder)
        let cache = HubCache(folder: folder.path)
        let dataset = try ParquetDataset(HubID("org/text"), in: cache)
        #expect(dataset.splits.map(\.name) == ["train"])
        #expect(throws: RunError.self) {
            try ParquetDataset(HubID("org/text@main"), in: cache)
        }
        try touch("\(place)/snapshots/aaa/train.parquet", in: folder)
        let main = try ParquetDataset(HubID("org/text"), in: cache)
        #expect(main.folder.hasSuffix("snapshots/aaa"))
    }

    @Test("Files that cannot be of one split are refused")
    func mixed() {
        for files in [
            ["a-00000-of-00001-x.parquet", "a-00000-of-00001-y.parquet"],
            ["a-00000-of-00002.parquet", "a-00001-of-00003.parquet"],
        ] {
            #expect(throws: RunError.self) { try found(files) }
        }
    }
}

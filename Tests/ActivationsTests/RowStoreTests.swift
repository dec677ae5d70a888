import Basics
import Corpora
import Testing

@testable import Activations

struct RowStoreTests {
    /// A set of rows in a folder, whose dataset has two rows.
    private func set(_ folder: TemporaryFolder, rows: Int = 2) throws -> RowSet {
        RowSet(
            packed: RowRequest(dataset: "d", contextSize: 3, rows: rows, prependsBOS: true),
            datasetPath: try folder.write(
                "{\"tokens\": [1, 2, 3]}\n{\"tokens\": [4, 5, 6]}\n", to: "d.jsonl"),
            key: ContentHash.of("rows"), path: "\(folder.path)/kept/rows.safetensors")
    }

    @Test("Rows are made once and read back")
    func making() throws {
        let folder = try TemporaryFolder()
        let set = try set(folder)
        #expect(try RowStore.prepare(set, modelFolder: folder.path, vocabulary: 7) == nil)
        #expect(try RowStore.load(set).tokens == [1, 2, 3, 4, 5, 6])
        let bytes = try readFile(set.path)
        try writeFile([], to: set.datasetPath)
        #expect(try RowStore.prepare(set, modelFolder: folder.path, vocabulary: 7) == nil)
        #expect(try readFile(set.path) == bytes)
    }

    @Test("Rows that repeat are told, at every start")
    func repeating() throws {
        let folder = try TemporaryFolder()
        let set = try set(folder, rows: 5)
        for _ in 0..<2 {
            let sentence = try #require(
                try RowStore.prepare(set, modelFolder: folder.path, vocabulary: 7))
            #expect(sentence.contains("2 rows of 3 tokens"))
            #expect(sentence.contains("reads 5"))
        }
        #expect(try RowStore.load(set).tokens == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3])
    }

    @Test("Damaged rows are made again", arguments: [1, 5, 20])
    func damage(fromEnd: Int) throws {
        let folder = try TemporaryFolder()
        let set = try set(folder)
        _ = try RowStore.prepare(set, modelFolder: folder.path, vocabulary: 7)
        let good = try readFile(set.path)
        var bytes = good
        bytes[bytes.count - fromEnd] ^= 1
        try writeFile(bytes, to: set.path)
        #expect(throws: RunError.self) { try RowStore.load(set) }
        _ = try RowStore.prepare(set, modelFolder: folder.path, vocabulary: 7)
        #expect(try readFile(set.path) == good)
    }

    @Test("Rows of another key are not used")
    func otherKey() throws {
        let folder = try TemporaryFolder()
        var set = try set(folder)
        _ = try RowStore.prepare(set, modelFolder: folder.path, vocabulary: 7)
        set.key = ContentHash.of("other")
        #expect(throws: RunError.self) { try RowStore.load(set) }
    }
}

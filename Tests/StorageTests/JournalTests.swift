import Basics
import Foundation
import Testing

@testable import Storage

@Suite("Journal")
struct JournalTests {
    let folder: TemporaryFolder
    var path: String { folder.file("journal.jsonl") }
    let entries = [#"{"unit": 1}"#, #"{"unit": 2, "text": "ü"}"#, #"{"unit": 3}"#]

    init() throws { folder = try TemporaryFolder() }

    /// Writes the three entries and closes.
    func fill() throws {
        let journal = try Journal(path: path)
        for entry in entries { try journal.append(entry) }
    }

    @Test("Entries are read back in order")
    func readBack() throws {
        try fill()
        let journal = try Journal(path: path)
        #expect(journal.entries == entries)
        #expect(journal.notice == nil)
        let first = String(decoding: try readFile(path), as: UTF8.self).split(separator: "\n")[0]
        #expect(
            first
                == "\(hexadecimal(Array(entries[0].utf8).withUnsafeBytes { checksum(of: $0) })) \(entries[0])"
        )
    }

    @Test("A journal cut at any byte keeps its whole lines and can be continued")
    func tornTail() throws {
        try fill()
        let whole = try readFile(path)
        for length in 0...whole.count {
            let name = folder.file("torn-\(length)")
            try writeFile(Array(whole[..<length]), to: name)
            let lines = whole[..<length].filter { $0 == 0x0A }.count
            do {
                let journal = try Journal(path: name)
                #expect(journal.entries == Array(entries[..<lines]))
                #expect((journal.notice == nil) == (length == 0 || whole[length - 1] == 0x0A))
                try journal.append("{}")
            }
            #expect(try Journal(path: name).entries == entries[..<lines] + ["{}"])
            unlink(name)
        }
    }

    @Test("A flipped bit in any byte of a middle line is refused with the line's number")
    func damagedMiddle() throws {
        try fill()
        let whole = try readFile(path)
        let first = try #require(whole.firstIndex(of: 0x0A))
        for position in 0..<first {
            var bytes = whole
            bytes[position] ^= 0x10
            let name = folder.file("flipped")
            try writeFile(bytes, to: name)
            let error = try #require(throws: StorageError.self) { try Journal(path: name) }
            #expect(error.code == .damaged)
            #expect(error.message.contains("Line 1 of"))
            #expect(error.advice != nil)
            #expect(try readFile(name) == bytes)
        }
    }

    @Test("A flipped bit in any byte of the last line costs that entry only")
    func damagedEnd() throws {
        try fill()
        let whole = try readFile(path)
        let start = whole.count - 17 - entries[2].utf8.count - 1
        for position in start..<whole.count {
            var bytes = whole
            bytes[position] ^= 0x10
            let name = folder.file("flipped")
            try writeFile(bytes, to: name)
            let journal = try Journal(path: name)
            #expect(journal.entries == Array(entries[..<2]))
            #expect(journal.notice != nil)
        }
    }

    @Test("A second run on one journal is told that it is in use")
    func exclusive() throws {
        let first = try Journal(path: path)
        let error = #expect(throws: StorageError.self) { try Journal(path: path) }
        #expect(error?.code == .busy)
        try first.append("{}")
    }

    @Test("A lock ends with its holder, even while a forked child still has the file open")
    func inheritedLock() throws {
        var first: OpenFile? = try OpenFile(path, flags: O_RDWR | O_CREAT)
        try first?.lock(purpose: .journal)
        let inherited = dup(try #require(first).descriptor)
        defer { close(inherited) }
        first = nil
        _ = try Journal(path: path)
    }

    @Test(
        "An entry with a line break, a zero byte or no text is refused",
        arguments: ["", "{\n}", "\0"])
    func badEntry(_ entry: String) throws {
        let journal = try Journal(path: path)
        let error = #expect(throws: StorageError.self) { try journal.append(entry) }
        #expect(error?.code == .invalid)
        #expect(journal.entries.isEmpty)
    }

    @Test("Zero bytes after the last line, as a power cut leaves them, are cut off")
    func zeroTail() throws {
        try fill()
        try writeFile(readFile(path) + [UInt8](repeating: 0, count: 300), to: path)
        #expect(try Journal(path: path).entries == entries)
    }

    @Test("Appending from many threads keeps every entry whole")
    func threads() async throws {
        let journal = try Journal(path: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 { group.addTask { try journal.append("{\"unit\": \(number)}") } }
            try await group.waitForAll()
        }
        #expect(journal.entries.count == 40)
        #expect(Set(journal.entries).count == 40)
    }

    @Test("A folder in place of the file is an error with its path")
    func folderInPlace() throws {
        try makeFolder(path)
        let error = #expect(throws: (any Error).self) { try Journal(path: path) }
        #expect("\(try #require(error))".contains(path))
    }
}

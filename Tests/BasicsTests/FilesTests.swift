import Foundation
import Testing

@testable import Basics

struct FilesTests {
    @Test("A written file holds the bytes and nothing is beside it", arguments: [0, 1, 5000])
    func writing(count: Int) throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        try writeFile(Array("old and longer".utf8), to: folder.file("a"))
        try writeFile(bytes, to: folder.file("a"))
        #expect(try readFile(folder.file("a")) == bytes)
        #expect(fileByteCount(folder.file("a")) == count)
        #expect(try folderContents(folder.path) == ["a"])
    }

    @Test("A write that fails at the rename leaves nothing behind")
    func failedRename() throws {
        let folder = try TemporaryFolder()
        try makeFolder(folder.file("taken/inside"))
        let error = try #require(throws: BasicsError.self) {
            try writeFile([1, 2], to: folder.file("taken"))
        }
        #expect(error.code == .unwritable)
        #expect(error.message.contains(folder.file("taken")))
        #expect(try folderContents(folder.path) == ["taken"])
    }

    @Test("A write into a missing folder names the file and makes no folder")
    func missingFolder() throws {
        let folder = try TemporaryFolder()
        let error = try #require(throws: BasicsError.self) {
            try writeFile([1], to: folder.file("no/a"))
        }
        #expect(error.code == .unwritable)
        #expect(try folderContents(folder.path) == [])
    }

    @Test(
        "A write into a folder without permission leaves nothing behind",
        .enabled(if: geteuid() != 0, "the superuser may write everywhere"))
    func readOnlyFolder() throws {
        let folder = try TemporaryFolder()
        try makeFolder(folder.file("closed"))
        chmod(folder.file("closed"), 0o555)
        defer { chmod(folder.file("closed"), 0o755) }
        #expect(throws: BasicsError.self) { try writeFile([1], to: folder.file("closed/a")) }
        #expect(try folderContents(folder.file("closed")) == [])
    }

    @Test("Folders are made with those above them, and a second time nothing happens")
    func makingFolders() throws {
        let folder = try TemporaryFolder()
        for path in [folder.file("a/b/c"), folder.file("a/b/c"), folder.file("d/"), "", "."] {
            try makeFolder(path)
        }
        #expect(folderExists(folder.file("a/b/c")))
        #expect(folderExists(folder.file("d")))
    }

    @Test(
        "A folder is not made where a file is",
        arguments: ["file", "file/below", "file/below/deep"])
    func folderOnFile(name: String) throws {
        let folder = try TemporaryFolder()
        try writeFile([1], to: folder.file("file"))
        let error = try #require(throws: BasicsError.self) { try makeFolder(folder.file(name)) }
        #expect(error.code == .unwritable)
        #expect(error.message.contains(folder.file("file")))
        #expect(try readFile(folder.file("file")) == [1])
    }

    @Test("Reading what is no file is an error that says so")
    func reading() throws {
        let folder = try TemporaryFolder()
        let missing = try #require(throws: BasicsError.self) { _ = try readFile(folder.file("a")) }
        #expect(missing.code == .missing)
        let notFile = try #require(throws: BasicsError.self) { _ = try readFile(folder.path) }
        #expect(notFile.code == .unreadable)
        #expect(throws: BasicsError.self) { try folderContents(folder.file("a")) }
    }

    @Test("Names of a folder are sorted by bytes")
    func names() throws {
        let folder = try TemporaryFolder()
        for name in ["b", "B", "a10", "a9", ".hidden", "é"] {
            try writeFile([], to: folder.file(name))
        }
        #expect(try folderContents(folder.path) == [".hidden", "B", "a10", "a9", "b", "é"])
    }

    @Test(
        "Paths split into folder and name",
        arguments: [
            ("a/b/c", "a/b", "c"), ("/a", "/", "a"), ("a", ".", "a"), ("/", "/", "/"),
            ("a/b/", "a/b", "b"),
        ])
    func paths(path: String, parent: String, name: String) {
        #expect(parentFolder(of: path) == parent)
        #expect(lastComponent(of: path) == name)
    }

    @Test("Free space is told for folders that are not there yet")
    func space() throws {
        let folder = try TemporaryFolder()
        #expect(try #require(freeBytes(at: folder.file("not/yet"))) > 0)
        #expect(freeBytes(at: "") != nil)
    }

    @Test("The nearest folder is the path itself, or above what does not exist or is a file")
    func nearest() throws {
        let folder = try TemporaryFolder()
        try writeFile([1], to: folder.file("a"))
        #expect(nearestFolder(to: folder.path) == folder.path)
        #expect(nearestFolder(to: folder.file("not/yet")) == folder.path)
        #expect(nearestFolder(to: folder.file("a/b")) == folder.path)
        #expect(nearestFolder(to: "") == "." && nearestFolder(to: "/not/yet") == "/")
    }

    @Test("A mapped file lends its bytes, none when it is empty")
    func mapping() throws {
        let folder = try TemporaryFolder()
        try writeFile([], to: folder.file("empty"))
        let empty = try MappedFile(path: folder.file("empty"))
        #expect(empty.baseAddress == nil)
        #expect(empty.withBytes { $0.count } == 0)
        try writeFile([7, 8], to: folder.file("two"))
        #expect(try MappedFile(path: folder.file("two")).withBytes { Array($0) } == [7, 8])
    }
}

struct MappedPagesTests {
    /// Bytes of a mapping that are in memory.
    private func residentBytes(of path: String) throws -> Int {
        let pages = try #require(
            try FileHandle(forReadingAtPath: "/proc/self/smaps")?.readToEnd())
        let text = String(decoding: pages, as: UTF8.self)
        let name = path.split(separator: "/").suffix(2).joined(separator: "/")
        var (isMapping, sum) = (false, 0)
        for line in text.split(separator: "\n") {
            if line.first?.isHexDigit == true, line.contains("-") {
                isMapping = line.hasSuffix(name)
            }
            if isMapping, line.hasPrefix("Rss:") {
                sum += 1024 * (Int(line.split(separator: " ")[1]) ?? 0)
            }
        }
        return sum
    }

    @Test("Pages that are given back leave memory, and their bytes are read again")
    func release() throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<12 << 20).map { UInt8(truncatingIfNeeded: $0 >> 12) }
        try writeFile(bytes, to: folder.file("mapped"))
        let file = try MappedFile(path: folder.file("mapped"))
        let start = try #require(file.baseAddress)
        #expect(file.withBytes { $0.elementsEqual(bytes) })
        #expect(try residentBytes(of: folder.file("mapped")) == bytes.count)
        file.releasePages(from: start + (4 << 20), byteCount: 4 << 20)
        #expect(try residentBytes(of: folder.file("mapped")) <= 8 << 20)
        file.releasePages(from: start, byteCount: bytes.count)
        #expect(try residentBytes(of: folder.file("mapped")) == 0)
        #expect(file.withBytes { $0.elementsEqual(bytes) })
    }

    @Test("A file that is hashed piece by piece has the hash of its bytes")
    func hash() throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<17 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 7) }
        try writeFile(bytes, to: folder.file("large"))
        #expect(try ContentHash.of(file: folder.file("large")) == ContentHash.of(bytes))
    }
}

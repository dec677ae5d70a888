import Foundation
import Testing

@testable import Basics

/// The check agrees with what making the folder does.
struct FolderCheckTests {
    @Test("A folder that can be made, or is there, passes and nothing is touched")
    func good() throws {
        let folder = try TemporaryFolder()
        for path in [folder.path, folder.file("a/b/c"), folder.file("d/"), ".", ""] {
            try checkFolder(canBeMade: path)
        }
        #expect(try folderContents(folder.path) == [])
    }

    /// Folders that cannot be made below a temporary one, by what is in the way.
    static let wrong = [
        "file": "file/run", "a file at its end": "file", "long": String(repeating: "x", count: 256),
        "a link to nothing": "link/run", "a loop": "loop/run",
    ]

    @Test("A folder that cannot be made is told as making it tells", arguments: wrong.keys.sorted())
    func bad(kind: String) throws {
        let folder = try TemporaryFolder()
        try writeFile([1], to: folder.file("file"))
        symlink("nowhere", folder.file("link"))
        symlink("loop", folder.file("loop"))
        let path = folder.file(try #require(Self.wrong[kind]))
        let checked = try #require(throws: BasicsError.self) { try checkFolder(canBeMade: path) }
        let made = try #require(throws: BasicsError.self) { try makeFolder(path) }
        #expect(checked.code == .unwritable && made.code == .unwritable, "\(checked) \(made)")
        #expect(checked.message.contains(folder.path) && checked.advice != nil, "\(checked)")
    }

    @Test("A folder below those of the system cannot be made", arguments: ["/proc/x", "/sys/x/y"])
    func system(path: String) throws {
        let error = try #require(throws: BasicsError.self) { try checkFolder(canBeMade: path) }
        #expect(error.code == .unwritable && error.message.contains(path), "\(error)")
    }

    @Test(
        "A closed folder is told",
        .enabled(if: geteuid() != 0, "the superuser may write everywhere"))
    func closed() throws {
        let folder = try TemporaryFolder()
        try makeFolder(folder.file("closed"))
        chmod(folder.file("closed"), 0o555)
        defer { chmod(folder.file("closed"), 0o755) }
        let error = try #require(throws: BasicsError.self) {
            try checkFolder(canBeMade: folder.file("closed/run"))
        }
        #expect(error.message.contains("Permission denied"), "\(error)")
    }
}

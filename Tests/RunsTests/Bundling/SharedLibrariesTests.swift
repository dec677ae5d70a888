import Basics
import Foundation
import Testing

@testable import Provisioning

@Suite("Libraries of a bundle")
struct SharedLibrariesTests {
    @Test("What ldd says of many files is told apart; glibc and the kernel's own stay out")
    func many() {
        let text = """
            /a/one:
            \tlinux-vdso.so.1 (0x00007ffd)
            \tlibz.so.1 => /lib/a folder/libz.so.1 (0x00007f01)
            \tlibgone.so.2 => not found
            \tlibc.so.6 => /lib/libc.so.6 (0x00007f02)
            \tlibm.so.6 => /lib/libm.so.6 (0x00007f02)
            \tlibmunge.so.2 => /lib/libmunge.so.2 (0x00007f02)
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f03)
            /a/two:
            \tstatically linked
            /a/three:
            \t/opt/own/libx.so (0x00007f04)
            \t/opt/own/liby.so => /opt/own/liby.so (0x00007f04)

            """
        let needs = SharedLibraries.needs(in: text, of: ["/a/one", "/a/two", "/a/three"])
        #expect(
            needs["/a/one"]
                == .init(
                    found: [
                        "libz.so.1": "/lib/a folder/libz.so.1",
                        "libmunge.so.2": "/lib/libmunge.so.2",
                    ],
                    missing: ["libgone.so.2"]))
        #expect(needs["/a/two"] == .init())
        #expect(needs["/a/three"] == .init(fixed: ["/opt/own/libx.so", "/opt/own/liby.so"]))
    }

    @Test("What ldd says of one file has no heading")
    func one() {
        let needs = SharedLibraries.needs(in: "\tliba.so => /b/liba.so (0x1)\n", of: ["/a/one"])
        #expect(needs == ["/a/one": .init(found: ["liba.so": "/b/liba.so"])])
    }

    @Test("The highest glibc is found by number, with the file that asks for it")
    func floor() {
        let text = """
            File: /lib/liba.so.1
              0x0010:   Name: GLIBC_2.4  Flags: none  Version: 4
              0x0020:   Name: GLIBC_2.14  Flags: none  Version: 3
            File: /lib/libb.so.1
              0x0010:   Name: GLIBC_2.9  Flags: none  Version: 4
              0x0020:   Name: CXXABI_1.3  Flags: none  Version: 4
              0x0020:   Name: GLIBC_PRIVATE  Flags: none  Version: 4
            """
        #expect(GlibcFloor.floor(in: text) == GlibcFloor(version: "2.14", file: "liba.so.1"))
        let packed = text + "\n  0x0010:   Name: GLIBC_ABI_DT_RELR  Flags: none  Version: 4"
        #expect(GlibcFloor.floor(in: packed) == GlibcFloor(version: "2.36", file: "libb.so.1"))
        #expect(GlibcFloor.floor(in: "no version needs") == nil)
    }

    @Test("The owners of files are read, diversions and several owners too")
    func owners() {
        let text = """
            diversion by dash from: /bin/sh
            zlib1g:amd64: /lib/x86_64-linux-gnu/libz.so.1
            libmpi4, libmpi3:amd64: /usr/lib/a: folder/libmpi.so

            """
        let owners = PackageRecords.owners(in: text)
        #expect(owners.map(\.owner) == ["zlib1g:amd64", "libmpi4"])
        #expect(
            owners.map(\.path)
                == ["/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib/a: folder/libmpi.so"])
    }

    @Test("The folders of Open MPI are read")
    func folders() {
        let text = "path:prefix:/usr\npath:pkglibdir:/usr/lib/a:b\nnothing\n"
        #expect(
            OpenMPIInstallation.folders(in: text) == [
                "prefix": "/usr", "pkglibdir": "/usr/lib/a:b",
            ])
    }
}

@Suite("Files that go into a bundle besides")
struct BundlePieceTests {
    @Test(
        "All files below an absolute folder go in under its last name, links as what they point to")
    func folder() throws {
        let folder = try TemporaryFolder()
        try makeFolder("\(folder.path)/data/deep")
        let file = try folder.write("text", to: "data/deep/a.txt")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/data/b.txt", withDestinationPath: file)
        let pieces = try BundlePiece.extras(at: "\(folder.path)/data/")
        #expect(pieces.map(\.target) == ["data/b.txt", "data/deep/a.txt"])
        for piece in pieces { try piece.copy(to: "\(folder.path)/out") }
        for path in ["data/b.txt", "data/deep/a.txt"] {
            #expect(try readFile("\(folder.path)/out/\(path)") == Array("text".utf8))
        }
    }

    @Test(
        "A path without one in the bundle is refused with its name and a remedy",
        arguments: ["../a", "/", ".", "lib/x", "nowhere/at/all"])
    func refused(path: String) throws {
        let error = #expect(throws: RunError.self) { try BundlePiece.extras(at: path) }
        #expect(error?.message.contains(path) == true && error?.advice != nil)
    }

    @Test("A folder that links to itself is refused")
    func loop() throws {
        let folder = try TemporaryFolder()
        try makeFolder("\(folder.path)/data")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/data/again", withDestinationPath: ".")
        let error = #expect(throws: RunError.self) {
            try BundlePiece.extras(at: "\(folder.path)/data")
        }
        #expect(error?.message.contains("\(folder.path)/data/again") == true)
    }
}

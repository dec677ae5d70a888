import Basics
import Foundation
import Testing

@testable import Storage

/// Whether the long form of a test is wanted.
private let isLong = ProcessInfo.processInfo.environment["SAEVAL_LONG_TESTS"] != nil
/// What is flipped in each byte of a head.
private let headMasks: [UInt8] = isLong ? [1, 2, 4, 8, 16, 32, 64, 128, 0x55, 0xFF] : [0x01, 0xFF]

extension ActivationFileTests {
    @Test("A flipped bit in any byte of any block is noticed, and the block can be repaired")
    func flippedData() throws {
        let sample = Sample(type: .float16)
        try sample.writeComplete(path)
        let header = try ActivationHeader(reading: path)
        for position in stride(from: 0, to: header.layout.byteCount, by: 7) {
            try flip(path, at: header.actsOffset + position, mask: 1 << UInt8(position % 8))
            let reader = try ActivationReader(path: path)
            let damaged = position / (4 * 10)
            for block in 0..<6 where block != damaged {
                #expect(bytes(of: try reader.block(block)) == sample.bytes(ofBlock: block))
            }
            let error = #expect(throws: StorageError.self) { try reader.block(damaged) }
            #expect(error?.code == .checksum)
            #expect(error?.message.contains("Block \(damaged) of \(path)") == true)
            try sample.bytes(ofBlock: damaged).withUnsafeBytes {
                try reader.repair(block: damaged, $0)
            }
            #expect(bytes(of: try reader.block(damaged)) == sample.bytes(ofBlock: damaged))
        }
    }

    @Test("Rows across blocks are checked in every block that they touch", arguments: 0..<4)
    func rowsAcrossBlocks(damaged: Int) throws {
        let sample = Sample()
        try sample.writeComplete(path)
        let header = try ActivationHeader(reading: path)
        try flip(path, at: header.actsOffset + damaged * 4 * sample.layout.rowBytes)
        // From the last row of block 0 to the first of block 2.
        let range = 3..<9
        guard damaged < 3 else {
            let rows = try ActivationReader(path: path).rows(range)
            #expect(rows.shape == [6, 5])
            return
        }
        let error = #expect(throws: StorageError.self) {
            try ActivationReader(path: path).rows(range)
        }
        #expect(error?.code == .checksum)
        #expect(error?.message.contains("Block \(damaged) of \(path)") == true)
    }

    @Test("A flipped bit in a checksum is noticed, and the repair mends it")
    func flippedChecksum() throws {
        let sample = Sample()
        try sample.writeComplete(path)
        let header = try ActivationHeader(reading: path)
        for position in 0..<48 {
            try flip(path, at: header.checksumsOffset + position, mask: 4)
            let reader = try ActivationReader(path: path)
            #expect(throws: StorageError.self) { try reader.block(position / 8) }
            try sample.bytes(ofBlock: position / 8).withUnsafeBytes {
                try reader.repair(block: position / 8, $0)
            }
            let mended = try ActivationReader(path: path).block(position / 8)
            #expect(bytes(of: mended) == sample.bytes(ofBlock: position / 8))
        }
    }

    @Test("A mark with any flipped bit counts as not done", arguments: 0..<8)
    func flippedMark(bit: Int) throws {
        try Sample().writeComplete(path)
        let header = try ActivationHeader(reading: path)
        try flip(path, at: header.doneOffset + 2, mask: 1 << UInt8(bit))
        let reader = try ActivationReader(path: path)
        #expect(reader.pendingBlocks == [2])
        let error = #expect(throws: StorageError.self) { try reader.block(2) }
        #expect(error?.code == .incomplete)
    }

    @Test("A mark set without its block is caught by the checksum")
    func markWithoutBlock() throws {
        try Sample().write(path, blocks: [0])
        let header = try ActivationHeader(reading: partial)
        try flip(partial, at: header.doneOffset + 3, mask: 1)
        let error = #expect(throws: StorageError.self) {
            try ActivationReader(path: partial).block(3)
        }
        #expect(error?.code == .checksum)
    }

    @Test("A flipped bit in a token is noticed")
    func flippedToken() throws {
        try Sample().writeComplete(path)
        let header = try ActivationHeader(reading: path)
        try flip(path, at: header.tokensOffset + 40, mask: 2)
        let error = #expect(throws: StorageError.self) { try ActivationReader(path: path).tokens() }
        #expect(error?.code == .checksum)
    }

    @Test(
        "A flipped byte anywhere in the head is an error or changes nothing that is read",
        arguments: headMasks)
    func flippedHead(mask: UInt8) throws {
        let sample = Sample()
        try sample.writeComplete(path)
        let header = try ActivationHeader(reading: path)
        let data = [
            header.actsOffset..<header.actsOffset + header.layout.byteCount,
            header.tokensOffset..<header.tokensOffset + 84,
            header.checksumsOffset..<header.checksumsOffset + 48,
            header.doneOffset..<header.doneOffset + 6,
        ]
        let whole = try readFile(path)
        let head = (0..<whole.count).filter { position in !data.contains { $0.contains(position) } }
        var refused = 0
        for position in head where whole[position] != 0 || position % (isLong ? 8 : 64) == 0 {
            try flip(path, at: position, mask: mask)
            if let reader = try? ActivationReader(path: path) {
                #expect(reader.attributes == sample.attributes)
                #expect(reader.layout == sample.layout)
                #expect(bytes(of: try reader.block(1)) == sample.bytes(ofBlock: 1))
            } else {
                refused += 1
            }
            try flip(path, at: position, mask: mask)
        }
        #expect(refused > 0)
    }

    @Test("A file cut at any byte is an error, never a crash")
    func cut() throws {
        try Sample().writeComplete(path)
        let whole = try readFile(path)
        let name = folder.file("cut.h5")
        for length in stride(from: 0, to: whole.count, by: 97) {
            try writeFile(Array(whole[..<length]), to: name)
            let error = #expect(throws: StorageError.self, "\(length) of \(whole.count) bytes") {
                let reader = try ActivationReader(path: name)
                for block in 0..<6 { _ = try reader.block(block) }
            }
            #expect(error?.code == .damaged)
        }
    }

    @Test("Another key than the expected one is an error that names both")
    func otherKey() throws {
        try Sample().writeComplete(path)
        let other = ContentHash.of("other")
        let error = #expect(throws: StorageError.self) {
            try ActivationReader(path: path, key: other)
        }
        #expect(error?.code == .foreign)
        #expect(error?.message.contains(other.hex) == true)
    }

    @Test(
        "A missing file, a folder and a text are errors with the path",
        arguments: ["none.h5", "folder.h5", "text.h5", "other.h5"])
    func noFile(name: String) throws {
        let path = folder.file(name)
        if name == "folder.h5" { try makeFolder(path) }
        if name == "text.h5" { try writeFile(Array("no HDF5".utf8), to: path) }
        if name == "other.h5" {
            try writeFile([0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A, 0, 0], to: path)
        }
        let error = #expect(throws: StorageError.self) { try ActivationReader(path: path) }
        let code: StorageDomain.Code =
            name == "text.h5" ? .damaged : name == "other.h5" ? .foreign : .missing
        #expect(error?.code == code)
        #expect(error?.message.contains(path) == true)
    }

    @Test("Many threads read one reader's blocks at a time")
    func threads() async throws {
        let sample = Sample(type: .bfloat16, blockRows: 1)
        try sample.writeComplete(path)
        let reader = try ActivationReader(path: path)
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let block = number % 21
                    guard let tensor = try? reader.block(block) else { return false }
                    return bytes(of: tensor) == sample.bytes(ofBlock: block)
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}

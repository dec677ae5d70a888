import Testing

@testable import Formats

/// A zstd frame of a window of 128 KiB from blocks: raw ones of bytes, or runs of one byte.
private func frame(_ blocks: [(bytes: [UInt8], run: Int?)], window: UInt8 = 0x38) -> [UInt8] {
    var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, window]
    for (index, block) in blocks.enumerated() {
        let last = index == blocks.count - 1 ? 1 : 0
        let header = last | (block.run == nil ? 0 : 2) | (block.run ?? block.bytes.count) << 3
        frame += (0..<3).map { UInt8(truncatingIfNeeded: header >> (8 * $0)) } + block.bytes
    }
    return frame
}

/// A gzip file of one stored block.
private func gzip(_ content: [UInt8]) -> [UInt8] {
    let little = { (value: UInt32) in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let size = [UInt8(content.count & 0xFF), UInt8(content.count >> 8)]
    let crc = content.withUnsafeBytes { crc32(of: $0) }
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + size + size.map { ~$0 } + content
        + little(crc) + little(UInt32(content.count))
}

/// The error of unpacking.
private func fault(_ bytes: [UInt8], _ name: String, mostBytes: Int = 1 << 20) throws -> FormatError
{
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, as: name)
    return try #require(throws: FormatError.self) {
        _ = try unpackedBytes(ofFile: path, mostBytes: mostBytes)
    }
}

struct CompressedFileTests {
    private let text = Array("Ein Text, \u{E9}\n".utf8)

    @Test("Frames of zstd and members of gzip are unpacked one after the other")
    func several() throws {
        let folder = try TemporaryFolder()
        let blocks = frame([(text, nil), ([0x61], 300_000 / 4), ([0x62], 7)])
        let whole = text + Array(repeating: 0x61, count: 75_000) + Array(repeating: 0x62, count: 7)
        let zstd = try folder.write(blocks + frame([([], nil)]) + blocks, as: "a.jsonl.zst")
        #expect(try unpackedBytes(ofFile: zstd) == whole + whole)
        let gz = try folder.write(gzip(text) + gzip([]) + gzip(text), as: "a.jsonl.gz")
        #expect(try unpackedBytes(ofFile: gz) == text + text)
        let plain = try folder.write(text, as: "a.jsonl")
        #expect(try unpackedBytes(ofFile: plain) == text)
    }

    @Test("Unpacking stops where nobody wants more, before the damage behind")
    func stops() throws {
        let folder = try TemporaryFolder()
        for (bytes, name) in [(frame([(text, nil)]), "a.zst"), (gzip(text), "a.gz")] {
            let path = try folder.write(bytes + [1, 2, 3], as: name)
            var pieces = 0
            try forEachPiece(ofFile: path) { _ in
                pieces += 1
                return false
            }
            #expect(pieces == 1)
        }
    }

    @Test("A plain file comes in pieces that make up the whole", arguments: [0, 1, 4_096, 10_000])
    func plain(count: Int) throws {
        let folder = try TemporaryFolder()
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let path = try folder.write(content, as: "plain")
        for _ in 0..<2 {
            var found: [[UInt8]] = []
            try forEachPiece(ofPlainFile: path, pieceBytes: 4_096) { piece in
                found.append(Array(piece))
                return true
            }
            #expect(found.count == (count + 4_095) / 4_096)
            #expect(found.flatMap { $0 } == content)
        }
    }

    @Test("A file cut anywhere is refused")
    func truncated() throws {
        let zstd = frame([(text, nil), ([0x61], 70_000)])
        for count in 0..<zstd.count {
            #expect(try fault(Array(zstd.prefix(count)), "a.zst").code == .malformed)
        }
        let gz = gzip(text)
        for count in 0..<gz.count {
            #expect(try fault(Array(gz.prefix(count)), "a.gz").code == .malformed)
        }
    }

    @Test("Bytes of another kind, before or behind, are refused", arguments: ["a.zst", "a.gz"])
    func garbage(name: String) throws {
        #expect(try fault(text, name).message.contains(name))
        let good = name == "a.gz" ? gzip(text) : frame([(text, nil)])
        #expect(try fault(good + text, name).code == .malformed)
    }

    @Test("A bomb is refused as soon as it is larger than allowed")
    func bomb() throws {
        let runs = frame(Array(repeating: ([0], 131_072), count: 64))
        #expect(runs.count < 300)
        let error = try fault(runs, "bomb.zst", mostBytes: (8 << 20) - 1)
        #expect(error.message.contains("more than \((8 << 20) - 1) bytes"))
        let gz = try fault(gzip(text), "bomb.gz", mostBytes: text.count - 1)
        #expect(gz.message.contains("more than \(text.count - 1) bytes"))
    }

    @Test("A frame that wants a window of two gigabytes is refused")
    func window() throws {
        let error = try fault(frame([(text, nil)], window: (31 - 10) << 3), "wide.zst")
        #expect(error.message.contains("memory"))
    }
}

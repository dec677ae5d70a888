/// Writes and takes apart honest ZIP archives of stored members.
enum Archive {
    /// One member.
    typealias Member = (name: String, data: [UInt8])

    /// An archive of some members.
    static func bytes(_ members: [Member]) -> [UInt8] {
        var (file, directory): ([UInt8], [UInt8]) = ([], [])
        for (name, data) in members {
            let head =
                number(0, 8) + number(Int(checksum(of: data)), 4) + number(data.count, 4)
                + number(data.count, 4) + number(name.utf8.count, 2) + number(0, 2)
            directory +=
                [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + head + number(0, 10) + number(file.count, 4)
                + Array(name.utf8)
            file += [0x50, 0x4B, 3, 4, 20, 0] + head + Array(name.utf8) + data
        }
        let end =
            [0x50, 0x4B, 5, 6] + number(0, 4) + number(members.count, 2)
            + number(members.count, 2) + number(directory.count, 4) + number(file.count, 4)
            + number(0, 2)
        return file + directory + end
    }

    /// The stored members of an archive that was written honestly.
    static func members(of archive: [UInt8]) -> [Member] {
        func value(_ place: Int, _ count: Int) -> Int {
            (0..<count).reduce(0) { $0 | Int(archive[place + $1]) << (8 * $1) }
        }
        let end = archive.count - 22
        guard end >= 0, value(end, 4) == 0x0605_4B50 else { return [] }
        var place = value(end + 16, 4)
        return (0..<value(end + 10, 2)).map { _ in
            let (size, start, name) = (
                value(place + 20, 4), value(place + 42, 4), value(place + 28, 2)
            )
            let data = start + 30 + value(start + 26, 2) + value(start + 28, 2)
            defer { place += 46 + name + value(place + 30, 2) + value(place + 32, 2) }
            return (
                String(decoding: archive[place + 46..<place + 46 + name], as: UTF8.self),
                Array(archive[data..<data + size])
            )
        }
    }

    /// A little-endian number.
    static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// The CRC-32 of bytes.
    static func checksum(of bytes: [UInt8], from start: UInt32 = 0) -> UInt32 {
        ~bytes.reduce(~start) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }

    /// The CRC-32 of each byte.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value >> 1 ^ (value & 1) * 0xEDB8_8320 }
    }
}

@testable import Formats

/// A ZIP archive whose every number can be forged.
struct ForgedArchive {
    /// One member.
    struct Member {
        /// The name in the directory.
        var name: [UInt8]
        /// The bytes as stored in the file.
        var data: [UInt8]
        /// 0 for stored, 8 for deflated.
        var method = 0
        /// The general-purpose flags.
        var flags = 0
        /// The checksum; nil for the right one of stored bytes.
        var checksum: UInt32?
        /// The length in the file that is claimed.
        var stored: Int?
        /// The length of the content that is claimed.
        var content: Int?
        /// The place that is claimed.
        var start: Int?
        /// The name in the member's own header.
        var ownName: [UInt8]?
        /// The extra field in the directory.
        var extra: [UInt8] = []

        /// An honest stored member.
        init(_ name: String, _ data: [UInt8]) { (self.name, self.data) = (Array(name.utf8), data) }

        /// The same member after a change.
        func with(_ change: (inout Self) -> Void) -> Self {
            var copy = self
            change(&copy)
            return copy
        }
    }

    /// The members.
    var members: [Member]
    /// The number of members that is claimed.
    var count: Int?
    /// The place of the directory that is claimed.
    var directoryStart: Int?
    /// The length of the directory that is claimed.
    var directoryByteCount: Int?
    /// What stands between the directory and the end record.
    var beforeEnd: [UInt8] = []
    /// The comment at the end.
    var comment: [UInt8] = []

    /// An honest archive.
    init(_ members: [Member]) { self.members = members }

    /// The same archive after a change.
    func with(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }

    /// The file.
    var bytes: [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for member in members {
            let checksum = member.checksum ?? member.data.withUnsafeBytes { crc32(of: $0) }
            let numbers =
                littleEndian(Int(checksum), 4) + littleEndian(member.stored ?? member.data.count, 4)
                + littleEndian(member.content ?? member.data.count, 4)
            let ownName = member.ownName ?? member.name
            let head =
                littleEndian(member.flags, 2) + littleEndian(member.method, 2) + littleEndian(0, 4)
                + numbers
            directory +=
                [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + head + littleEndian(member.name.count, 2)
                + littleEndian(member.extra.count, 2) + littleEndian(0, 10)
                + littleEndian(member.start ?? file.count, 4) + member.name + member.extra
            file +=
                [0x50, 0x4B, 3, 4, 20, 0] + head + littleEndian(ownName.count, 2)
                + littleEndian(0, 2) + ownName + member.data
        }
        let start = file.count
        file += directory + beforeEnd
        file += [0x50, 0x4B, 5, 6] + littleEndian(0, 4) + littleEndian(count ?? members.count, 2)
        file += littleEndian(count ?? members.count, 2)
        file += littleEndian(directoryByteCount ?? directory.count, 4)
        file += littleEndian(directoryStart ?? start, 4) + littleEndian(comment.count, 2) + comment
        return file
    }
}

import Basics
import Formats
import Glibc

/// Unpacks the table that `make_directory.py` wrote and describes.
///
/// The table is part of the program, so damage to it is a fault of the program.
func unpackedDirectory() -> [PublishedAutoencoder] {
    var reader = TableReader(bytes: inflatedTable())
    let (releases, entries) = (reader.number(), reader.number())
    let heads = (0..<releases).map { _ in reader.cells() }
    let columns = (0..<7).map { _ in reader.column(of: entries) }
    var directory: [PublishedAutoencoder] = []
    directory.reserveCapacity(entries)
    for head in heads {
        precondition(head.count == 7, "a release of the table has \(head.count) columns")
        guard let count = Int(head[5]), let layout = PublishedLayout(rawValue: head[3]) else {
            preconditionFailure("the table's release \(head[0]) is damaged")
        }
        let overrides = overrideMembers(head[6])
        for row in directory.count..<directory.count + count {
            directory.append(
                entry(columns.map { $0[row] }, of: head, layout: layout, overrides: overrides))
        }
    }
    precondition(directory.count == entries, "the table's releases have other entries than it says")
    return directory
}

/// The names of the models of all releases; the entries, of which there are many, are not unpacked.
func unpackedModels() -> Set<String> {
    var reader = TableReader(bytes: inflatedTable())
    let (releases, _) = (reader.number(), reader.number())
    return Set(
        (0..<releases).flatMap { _ in
            let head = reader.cells()
            return [head[2], head[4]].filter { !$0.isEmpty }
        })
}

/// One entry of its columns and its release's.
private func entry(
    _ columns: [String], of release: [String], layout: PublishedLayout, overrides: [JSONMember]
) -> PublishedAutoencoder {
    let (id, path, hook, neuronpedia) = (columns[0], columns[1], columns[2], columns[6])
    let layer = Int(hook) ?? hookLayer(hook)
    let hookName = hook.isEmpty || Int(hook) != nil ? nil : hook
    let name = JSONMember(
        key: "neuronpedia_id", value: neuronpedia.isEmpty ? .null : .string(neuronpedia))
    return PublishedAutoencoder(
        release: release[0], id: id, repository: release[1], path: path.isEmpty ? id : path,
        layout: layout, model: release[2], hookName: hookName, layer: layer,
        latents: Int(columns[3]), l0: Double(columns[4]),
        facts: AutoencoderFacts(
            hookName: hookName, modelName: release[4], normScalingFactor: Double(columns[5]),
            isPublished: true,
            overrides: .object(overrides + [name])))
}

/// The layer in a hook's name: its first run of digits, 0 for the embedding.
private func hookLayer(_ hook: String) -> Int? {
    if hook == "hook_embed" { return 0 }
    return Autoencoders.layer(ofHook: hook)
}

/// A release's overrides.
private func overrideMembers(_ text: String) -> [JSONMember] {
    if text.isEmpty { return [] }
    let json = try? JSON(parsing: Array(text.utf8), source: "the directory's overrides")
    guard let members = json?.members else { preconditionFailure("\(text) is no object") }
    return members
}

/// Reads lines of the table.
private struct TableReader {
    /// The table.
    let bytes: [UInt8]
    /// Where the next line begins.
    private var position = 0

    /// Begins at the first line.
    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The next line without its end.
    mutating func lineBytes() -> ArraySlice<UInt8> {
        let start = position
        let length = bytes.withUnsafeBytes { raw in
            raw.baseAddress.flatMap { base in
                memchr(base + start, 0x0A, raw.count - start).map { UnsafeRawPointer($0) - base }
            }
        }
        guard let end = length else { preconditionFailure("the table ends early") }
        position = end + 1
        return bytes[start..<end]
    }

    /// The next line as a text.
    mutating func line() -> String { String(decoding: lineBytes(), as: UTF8.self) }

    /// The cells of the next line.
    mutating func cells() -> [String] {
        line().split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }

    /// The next line as a number.
    mutating func number() -> Int {
        guard let number = Int(line()) else { preconditionFailure("the table lacks a number") }
        return number
    }

    /// The next lines, each of which begins with how much it shares with the one above.
    mutating func column(of count: Int) -> [String] {
        var (values, above, text) = ([String](), [UInt8](), "")
        values.reserveCapacity(count)
        for _ in 0..<count {
            let line = lineBytes()
            let shared = line.first.map { Int($0) - 0x21 } ?? -1
            precondition((0...above.count).contains(shared), "the table shares what is not there")
            if shared < above.count || line.count > 1 {
                above.removeSubrange(shared...)
                above += line.dropFirst()
                text = String(decoding: above, as: UTF8.self)
            }
            values.append(text)
        }
        return values
    }
}

/// The table's bytes.
private func inflatedTable() -> [UInt8] {
    let deflated = publishedTable.withUTF8Buffer { decodedBase64($0) }
    return [UInt8](unsafeUninitializedCapacity: publishedByteCount) { room, count in
        let outcome = deflated.withUnsafeBytes {
            inflateRaw($0, into: UnsafeMutableRawBufferPointer(room))
        }
        precondition(
            outcome?.written == publishedByteCount && outcome?.ended == true,
            "the table does not inflate to \(publishedByteCount) bytes")
        count = publishedByteCount
    }
}

/// The bytes that a text in base64 stands for; line ends and padding are passed over.
private func decodedBase64(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var (bits, count) = (UInt32(0), 0)
    for sign in text {
        let value: UInt8
        switch sign {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = sign - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): value = sign - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = sign - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        default: continue
        }
        (bits, count) = (bits << 6 | UInt32(value), count + 6)
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return bytes
}

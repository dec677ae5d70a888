import Basics
import CHDF5
import Tensors

/// What the head of an activation file says: sizes, content and the offset of each data set.
///
/// Data sets are contiguous and allocated when the file is made, so they never move, and
/// everything but the head can be read and written by plain system calls at these offsets. The
/// head never changes after it was made, so the ``ActivationSeal`` tells damage from truth.
struct ActivationHeader: Sendable {
    /// The program that makes these files, and the mark by which it knows its own.
    static let producer = "saeval"

    /// The file this was read from.
    var path: String
    /// Sizes and stored type.
    var layout: ActivationLayout
    /// What the file holds.
    var attributes: ActivationAttributes
    /// First byte of `acts`, `[rows, model]` in the stored type.
    var actsOffset: Int
    /// First byte of `tokens`, `[sequences, positions]` of int32.
    var tokensOffset: Int
    /// First byte of `checksums`, `[blocks]` of uint64.
    var checksumsOffset: Int
    /// First byte of `done`, `[blocks]` of uint8.
    var doneOffset: Int
    /// Checksum of the bytes of `tokens`.
    var tokensChecksum: UInt64

    /// Names of the attributes.
    enum Name: String, CaseIterable {
        case producer
        case formatVersion = "format_version"
        case model, hook, dataset, dtype
        case contentKey = "content_key"
        case sequences, positions
        case modelSize = "model_size"
        case blockRows = "block_rows"
        case tokensChecksum = "tokens_checksum"
        case notes
    }

    /// The attributes as texts.
    var texts: [(name: Name, value: String)] {
        let notes = attributes.notes.sorted {
            Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8))
        }
        let members = notes.map { JSONMember(key: $0.key, value: .string($0.value)) }
        return [
            (.producer, Self.producer), (.formatVersion, String(ActivationSeal.formatVersion)),
            (.model, attributes.model), (.hook, attributes.hook), (.dataset, attributes.dataset),
            (.dtype, layout.type.rawValue), (.contentKey, attributes.key.hex),
            (.sequences, String(layout.sequences)), (.positions, String(layout.positions)),
            (.modelSize, String(layout.modelSize)), (.blockRows, String(layout.blockRows)),
            (.tokensChecksum, hexadecimal(tokensChecksum)), (.notes, JSON.object(members).text()),
        ]
    }

    /// The bytes of the data sets.
    var data: [Range<Int>] {
        [
            actsOffset..<actsOffset + layout.byteCount,
            tokensOffset..<tokensOffset + layout.rows * 4,
            checksumsOffset..<checksumsOffset + layout.blocks * 8,
            doneOffset..<doneOffset + layout.blocks,
        ]
    }

    /// Bytes of the file up to the end of its last data set.
    var endOfData: Int { data.map(\.upperBound).max() ?? 0 }
}

// MARK: - Reading

extension ActivationHeader {
    /// Reads and checks the head of a file, finished or not. Not collective; takes the HDF5 lock.
    ///
    /// - Throws: ``StorageError`` with code `missing`, `damaged`, `foreign` or `versionTooNew`.
    init(reading path: String) throws {
        guard let byteCount = fileByteCount(path), fileExists(path) else {
            throw StorageError(
                .missing, "Activation file \(path) does not exist", advice: "check the path")
        }
        try ActivationSeal.check(MappedFile(path: path))
        self = try HDF5.locked { try ActivationHeader(locked: path, byteCount: byteCount) }
    }

    /// Reads the head inside the HDF5 lock.
    private init(locked path: String, byteCount: Int) throws {
        let access = try HDF5.serialAccess(path)
        let number = H5Fopen(path, ch5_read_only(), access.id)
        guard number >= 0 else {
            throw StorageError(
                .damaged, "\(path) cannot be opened by HDF5", advice: "remove it and run again",
                cause: HDF5.failure("H5Fopen", path))
        }
        let file = try HDF5Object(number, "H5Fopen", path, closer: H5Fclose)
        let values = try AttributeValues(of: file.id, path)
        self.path = path
        layout = try values.layout()
        attributes = try values.attributes()
        tokensChecksum = try values.tokensChecksum()
        (actsOffset, tokensOffset, checksumsOffset, doneOffset) = (0, 0, 0, 0)
        try layout.validate(path)
        try findDataSets(in: file.id, byteCount: byteCount)
    }

    /// Checks the data sets against the layout and notes their offsets.
    private mutating func findDataSets(in file: hid_t, byteCount: Int) throws {
        let actsType = try HDF5.type(layout.type, path)
        actsOffset = try HDF5.offset(
            of: "acts", in: file, shape: [layout.rows, layout.modelSize], type: actsType,
            fileBytes: byteCount, path)
        tokensOffset = try HDF5.offset(
            of: "tokens", in: file, shape: [layout.sequences, layout.positions],
            type: try HDF5.type(.int32, path), fileBytes: byteCount, path)
        checksumsOffset = try HDF5.offset(
            of: "checksums", in: file, shape: [layout.blocks], type: try HDF5.checksumType(path),
            fileBytes: byteCount, path)
        doneOffset = try HDF5.offset(
            of: "done", in: file, shape: [layout.blocks], type: try HDF5.type(.uint8, path),
            fileBytes: byteCount, path)
    }
}

/// The attribute texts of one file, on the way to values.
private struct AttributeValues {
    /// The file, for messages.
    private let path: String
    /// The texts that are there.
    private var texts: [ActivationHeader.Name: String] = [:]

    /// Reads all attributes.
    init(of file: hid_t, _ path: String) throws {
        self.path = path
        for name in ActivationHeader.Name.allCases {
            texts[name] = try HDF5.attribute(name.rawValue, of: file, path)
        }
    }

    /// One text.
    func text(_ name: ActivationHeader.Name) throws -> String {
        guard let text = texts[name] else { throw damaged(name, "is missing") }
        return text
    }

    /// One text as an integer above 0.
    private func number(_ name: ActivationHeader.Name) throws -> Int {
        let text = try text(name)
        guard let number = Int(text), number > 0 else {
            throw damaged(name, "is `\(text.prefix(40))`")
        }
        return number
    }

    /// Sizes and stored type, not yet checked together.
    func layout() throws -> ActivationLayout {
        guard let type = ElementType(rawValue: try text(.dtype)) else {
            throw damaged(.dtype, "is `\(try text(.dtype).prefix(40))`")
        }
        return ActivationLayout(
            sequences: try number(.sequences), positions: try number(.positions),
            modelSize: try number(.modelSize), type: type, blockRows: try number(.blockRows))
    }

    /// What the file holds.
    func attributes() throws -> ActivationAttributes {
        let source = "\(path), attribute `notes`"
        var notes: [String: String] = [:]
        do {
            for member in try JSON(parsing: Array(try text(.notes).utf8), source: source).members
                ?? []
            {
                notes[member.key] = member.value.text
            }
        } catch {
            throw damaged(.notes, "cannot be read")
        }
        return ActivationAttributes(
            model: try text(.model), hook: try text(.hook), dataset: try text(.dataset),
            key: ContentHash(hex: try text(.contentKey)), notes: notes)
    }

    /// The checksum of the tokens.
    func tokensChecksum() throws -> UInt64 {
        guard let value = UInt64(try text(.tokensChecksum), radix: 16) else {
            throw damaged(.tokensChecksum, "is no number")
        }
        return value
    }

    /// The error of an attribute.
    private func damaged(_ name: ActivationHeader.Name, _ what: String) -> StorageError {
        StorageError(
            .damaged, "Attribute `\(name.rawValue)` of \(path) \(what)",
            advice: "remove the file and run again")
    }
}

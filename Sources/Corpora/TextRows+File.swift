import Basics
import Formats
import Glibc
import Tensors

// The frozen file of texts: a safetensors file that names its key and its checksum. Whoever reads
// it gets exactly what was written, or an error.

extension TextRows {
    /// The version of the layout.
    private static let version = "2"
    /// The tensors in the order in which they are written, those with larger elements first.
    private static let tensorNames = [
        "starts", "stored", "stored_starts", "group_texts", "group_starts", "tokens", "names",
    ]

    /// Writes the rows into a file, which is complete under its name or not there.
    ///
    /// - Parameters:
    ///   - key: the hash of all that the rows depend on.
    ///   - dataset: the dataset's name, for those who list artifacts.
    /// - Throws: ``FormatError`` when the file cannot be written.
    public func write(to path: String, key: ContentHash, dataset: String) throws {
        var groupStarts = [0]
        for (index, group) in groups.enumerated() {
            groupStarts.append(groupStarts[index] + group.texts.count)
        }
        let lists = [
            starts, stored, storedStarts, groups.flatMap(\.texts), groupStarts,
        ].map { Tensor(copying: $0.map(Int64.init), type: .int64) }
        let tensors =
            lists + [
                Tensor(copying: tokens, type: .int32),
                Tensor(copying: Array(names.text().utf8), type: .uint8),
            ]
        try writeSafetensors(
            Array(zip(Self.tensorNames, tensors)).map { (name: $0, tensor: $1) },
            metadata: [
                "producer": "saeval", "version": Self.version, "content_key": key.hex,
                "dataset": dataset,
                "checksum": Self.contentHash(of: tensors).hex,
            ], to: path)
    }

    /// Reads rows that ``write(to:key:dataset:)`` wrote.
    ///
    /// - Throws: ``CorporaError`` when the file does not exist, is damaged, or was written for another
    ///   key or by another version.
    public init(reading path: String, key: ContentHash) throws {
        func damaged(_ what: String, cause: (any Error)? = nil) -> CorporaError {
            CorporaError(
                .damaged, "The frozen texts \(path) \(what)", advice: "make them again",
                cause: cause)
        }
        let tensors: [Tensor]
        let metadata: [String: String]
        do {
            let file = try SafetensorsFile(path: path)
            metadata = file.metadata
            tensors = try Self.tensorNames.map { try file.tensor($0) }
        } catch {
            throw damaged("cannot be read", cause: error)
        }
        guard metadata["version"] == Self.version else {
            throw damaged("have version \(metadata["version"] ?? "none"), not \(Self.version)")
        }
        guard metadata["content_key"] == key.hex else {
            throw damaged(
                "were made for the key \(metadata["content_key"] ?? "none"), not \(key.hex)")
        }
        guard metadata["checksum"] == Self.contentHash(of: tensors).hex,
            let rows = TextRows(unchecked: tensors), rows.isConsistent
        else { throw damaged("do not have the checksum that they were written with") }
        self = rows
    }

    /// Groups and sources.
    private var names: JSON {
        .object([
            "groups": .array(
                groups.map {
                    .object(["name": .string($0.name), "split": .string($0.split.rawValue)])
                }),
            "sources": .array(sources.map { .string($0) }),
        ])
    }

    /// The rows of tensors whose checksum is right; nil when they are not what is written.
    private init?(unchecked tensors: [Tensor]) {
        let lists = tensors.prefix(5).map { $0.integers(Int64.self, type: .int64) }
        guard let tokens = tensors[5].integers(Int32.self, type: .int32),
            let text = tensors[6].integers(UInt8.self, type: .uint8),
            let names = try? JSON(parsing: text, source: "names"),
            let sources = names["sources"]?.elements?.compactMap(\.text),
            let groupNames = names["groups"]?.elements
        else { return nil }
        let numbers = lists.map { $0.map { $0.map(Int.init) } ?? [] }
        let (groupTexts, groupStarts) = (numbers[3], numbers[4])
        guard groupStarts.count == groupNames.count + 1, groupStarts.last == groupTexts.count,
            groupStarts.first == 0, zip(groupStarts, groupStarts.dropFirst()).allSatisfy(<=)
        else { return nil }
        var groups: [Group] = []
        for (index, entry) in groupNames.enumerated() {
            guard let name = entry["name"]?.text,
                let split = entry["split"]?.text.flatMap(Split.init)
            else { return nil }
            let texts = groupTexts[groupStarts[index]..<groupStarts[index + 1]]
            groups.append(Group(name: name, split: split, texts: Array(texts)))
        }
        self.init(
            tokens: tokens, starts: numbers[0], stored: numbers[1], storedStarts: numbers[2],
            groups: groups, sources: sources)
    }

    /// Whether all indices are within what they point into.
    private var isConsistent: Bool {
        func ascends(_ starts: [Int], to end: Int) -> Bool {
            starts.first == 0 && starts.last == end
                && zip(starts, starts.dropFirst()).allSatisfy(<=)
        }
        return ascends(starts, to: tokens.count) && ascends(storedStarts, to: stored.count)
            && starts.count == storedStarts.count && sources.count == count
            && stored.allSatisfy(tokens.indices.contains)
            && groups.allSatisfy { $0.texts.allSatisfy((0..<count).contains) }
    }

    /// The hash of tensors with their types and shapes.
    private static func contentHash(of tensors: [Tensor]) -> ContentHash {
        .of(
            parts: zip(tensorNames, tensors).map { name, tensor in
                let bytes = UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount)
                return (name, "\(tensor.type) \(tensor.shape) \(ContentHash.of(bytes))")
            })
    }
}

extension Tensor {
    /// A vector of some values.
    fileprivate init<Element>(copying values: [Element], type: ElementType) {
        self.init(uninitialized: [values.count], type: type)
        values.withUnsafeBytes { source in
            if let start = source.baseAddress { memcpy(bytes, start, source.count) }
        }
    }

    /// The values of a vector; nil when it is none or of another type.
    fileprivate func integers<Element>(_: Element.Type, type: ElementType) -> [Element]? {
        guard self.type == type, shape.count == 1 else { return nil }
        return (0..<count).map {
            bytes.loadUnaligned(
                fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self)
        }
    }
}

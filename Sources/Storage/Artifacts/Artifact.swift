import Basics
import Glibc

/// A file that runs share, under a name that contains its content key.
public struct Artifact: Sendable {
    /// What kinds there are.
    public enum Kind: String, Sendable, CaseIterable {
        /// Activations at one hook.
        case activations
        /// Token rows of a data set.
        case tokens
    }

    /// What it is.
    public var kind: Kind
    /// Where it is.
    public var path: String
    /// Its length in bytes.
    public var bytes: Int
    /// Whether it is finished.
    public var isComplete: Bool
    /// Its content key; nil when the file cannot be read.
    public var key: ContentHash?
    /// What it holds, for readers, in a fixed order.
    public var metadata: [(name: String, value: String)]
    /// Why the file cannot be used, such as damage; nil when it can.
    public var problem: String?
}

extension Artifact {
    /// Looks at a file of a folder of artifacts; nil when its name is not that of an artifact.
    init?(kind: Kind, path: String) {
        let name = lastComponent(of: path)
        let suffix = kind == .activations ? ".h5" : ".safetensors"
        let isPartial = name.hasSuffix(".partial")
        guard name.hasSuffix(suffix) || (isPartial && name.contains(suffix + ".")),
            let bytes = fileByteCount(path), fileExists(path)
        else { return nil }
        (self.kind, self.path, self.bytes, isComplete) = (kind, path, bytes, !isPartial)
        (key, metadata, problem) = (nil, [], nil)
        do {
            switch kind {
            case .activations: try readActivations()
            case .tokens: try readTokens()
            }
        } catch {
            problem = "\(error)"
        }
    }

    /// Reads the head of an activation file.
    private mutating func readActivations() throws {
        let header = try ActivationHeader(reading: path)
        let pending = try header.pendingBlocks(in: MappedFile(path: path)).count
        let (layout, attributes) = (header.layout, header.attributes)
        key = attributes.key
        isComplete = isComplete && pending == 0
        metadata = [
            ("model", attributes.model), ("hook", attributes.hook), ("dataset", attributes.dataset),
            ("dtype", layout.type.rawValue),
            ("tokens", "\(layout.sequences) x \(layout.positions)"),
            ("model_size", String(layout.modelSize)),
            ("blocks", "\(layout.blocks - pending) of \(layout.blocks)"),
        ]
        metadata += attributes.notes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Reads the metadata at the head of a safetensors file: a length, then JSON.
    private mutating func readTokens() throws {
        let file = try MappedFile(path: path)
        let members = try file.withBytes { bytes -> [JSONMember] in
            guard bytes.count >= 8 else { throw damaged("has \(bytes.count) bytes") }
            let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
            guard length <= UInt64(bytes.count - 8), length <= 1 << 24 else {
                throw damaged("says that its head has \(length) bytes")
            }
            let head = UnsafeRawBufferPointer(rebasing: bytes[8..<8 + Int(length)])
            return try JSON(parsing: head, source: path)["__metadata__"]?.members ?? []
        }
        let texts = members.map { (name: $0.key, value: $0.value.text ?? "") }
        guard
            texts.contains(where: { $0.name == "producer" && $0.value == ActivationHeader.producer }
            )
        else {
            throw StorageError(
                .foreign, "\(path) was not written by \(ActivationHeader.producer)",
                advice: "move it out of this folder")
        }
        key = texts.first { $0.name == "content_key" }.map { ContentHash(hex: $0.value) }
        metadata = texts.filter { $0.name != "producer" && $0.name != "content_key" }
    }

    /// The error of a damaged file.
    private func damaged(_ what: String) -> StorageError {
        StorageError(.damaged, "\(path) \(what)", advice: "remove it and run again")
    }
}

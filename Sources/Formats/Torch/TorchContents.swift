import Basics

/// A plain Python value of a torch file.
public enum TorchScalar: Sendable, Equatable {
    case integer(Int)
    case number(Double)
    case truth(Bool)
    case text(String)
}

/// The tensors and plain values of a pickle under their joined names.
struct TorchContents {
    /// The tensors by name.
    private(set) var tensors: [String: TorchLayout] = [:]
    /// The plain values by name.
    private(set) var scalars: [String: TorchScalar] = [:]
    /// The bytes of all names so far.
    private var nameByteCount = 0
    /// The values visited so far.
    private var visitCount = 0

    /// The most dicts and lists within each other.
    static let deepest = 32
    /// The most values that are visited; one dict may stand in many others.
    static let mostVisits = 200_000
    /// The most bytes of all names.
    static let mostNameBytes = 16 << 20

    /// Walks through the value of a pickle, which must be a dict.
    init(of root: PickleReference, in pickle: Unpickler) throws(FormatError) {
        guard case .dictionary = pickle.value(root) else {
            throw FormatError(
                .unsupported,
                "\(pickle.name) holds \(pickle.value(root).noun) and not a dict of tensors",
                advice: "save a dict, with torch.save({\"name\": tensor}, path)")
        }
        try add(root, name: "", depth: 0, from: pickle)
    }

    /// Adds a value and all that it holds.
    private mutating func add(
        _ reference: PickleReference, name: String, depth: Int, from pickle: Unpickler
    ) throws(FormatError) {
        switch pickle.value(reference) {
        case .none, .storage: break
        case .tensor(let tensor):
            try checkIsNew(name, from: pickle)
            tensors[name] = tensor
        case .truth(let value): try keep(.truth(value), as: name, from: pickle)
        case .integer(let value): try keep(.integer(value), as: name, from: pickle)
        case .number(let value): try keep(.number(value), as: name, from: pickle)
        case .text(let value): try keep(.text(value), as: name, from: pickle)
        case .global(let global): try keep(.text(global.name), as: name, from: pickle)
        case .tuple(let elements), .list(let elements):
            for (index, element) in elements.enumerated() {
                let joined = try joined(name, "\(index)", depth, from: pickle)
                try add(element, name: joined, depth: depth + 1, from: pickle)
            }
        case .dictionary(let entries):
            for entry in entries {
                let key: String
                switch pickle.value(entry.key) {
                case .text(let text): key = text
                case .integer(let number): key = "\(number)"
                default:
                    throw FormatError(
                        .unsupported,
                        "\(pickle.name): a dict has \(pickle.value(entry.key).noun) as a key",
                        advice: "save the weights alone, with torch.save(state_dict, path)")
                }
                let joined = try joined(name, key, depth, from: pickle)
                try add(entry.value, name: joined, depth: depth + 1, from: pickle)
            }
        }
    }

    /// The name of an entry of a container, counted before it is made.
    private mutating func joined(
        _ name: String, _ key: String, _ depth: Int, from pickle: Unpickler
    ) throws(FormatError) -> String {
        visitCount += 1
        nameByteCount += name.utf8.count + key.utf8.count
        guard depth < Self.deepest else {
            throw FormatError(
                .tooLarge,
                "\(pickle.name) holds more than \(Self.deepest) dicts and lists within each other",
                advice: "save the weights alone, with torch.save(state_dict, path)")
        }
        guard visitCount <= Self.mostVisits, nameByteCount <= Self.mostNameBytes else {
            throw FormatError(
                .tooLarge,
                "\(pickle.name) holds more than \(Self.mostVisits) values "
                    + "or \(Self.mostNameBytes) bytes of names",
                advice: "save the weights alone, with torch.save(state_dict, path)")
        }
        return depth == 0 ? key : "\(name).\(key)"
    }

    /// Keeps a plain value.
    private mutating func keep(
        _ value: TorchScalar, as name: String, from pickle: Unpickler
    ) throws(FormatError) {
        try checkIsNew(name, from: pickle)
        scalars[name] = value
    }

    /// Throws when a name was used before.
    private func checkIsNew(_ name: String, from pickle: Unpickler) throws(FormatError) {
        guard tensors[name] == nil, scalars[name] == nil else {
            throw FormatError(
                .malformed, "\(pickle.name) holds two values named `\(name)`",
                advice: "export the file again, each tensor under a name of its own")
        }
    }
}

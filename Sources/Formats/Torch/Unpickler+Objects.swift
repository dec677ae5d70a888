import Basics
import Tensors

// The operations that would make objects in Python: here they make tensors, storages and dicts.

extension Unpickler {
    /// The most axes of a tensor.
    static let mostAxes = 16

    /// The named function or class, when it is on the list.
    func global(module: String, name symbol: String) throws(FormatError) -> PickleGlobal {
        guard let global = PickleGlobal(module: module, name: symbol) else {
            throw FormatError(
                .unsupported, "\(name) asks for `\(module) \(symbol)`, which is never called",
                advice: "save the weights alone, with torch.save(state_dict, path), "
                    + "if you trust where the file is from")
        }
        return global
    }

    /// Takes a module and a name from the stack and puts what they name there.
    mutating func pushStackGlobal() throws(FormatError) {
        let names = try popped(2)
        guard case .text(let module) = value(names[0]), case .text(let symbol) = value(names[1])
        else {
            throw fault(
                "it names a function by \(value(names[0]).noun) and \(value(names[1]).noun)")
        }
        try push(.global(global(module: module, name: symbol)))
    }

    /// The storage that a persistent id describes.
    ///
    /// - Source: `persistent_id` of `torch.save`: `('storage', class, key, location, count)`.
    func storage(_ reference: PickleReference) throws(FormatError) -> TorchStorage {
        guard case .tuple(let parts) = value(reference), parts.count == 5,
            case .text("storage") = value(parts[0]),
            case .global(.storage(let type)) = value(parts[1]),
            case .text(let key) = value(parts[2]), case .text = value(parts[3]),
            case .integer(let count) = value(parts[4]), count >= 0
        else { throw fault("a persistent id is no storage") }
        guard !key.isEmpty, key.utf8.count <= 20,
            key.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw fault("a storage has the key `\(key.prefix(40))`, not a number") }
        return TorchStorage(key: key, type: type, count: count)
    }

    /// Makes what a function of the list would give.
    mutating func reduce() throws(FormatError) {
        let parts = try popped(2)
        guard case .global(let function) = value(parts[0]) else {
            throw fault("it calls \(value(parts[0]).noun)")
        }
        guard case .tuple(let arguments) = value(parts[1]) else {
            throw fault("the arguments of `\(function.name)` are \(value(parts[1]).noun)")
        }
        switch function {
        case .rebuildTensor, .rebuildTypedTensor:
            try push(.tensor(tensor(arguments, of: function)))
        case .rebuildParameter:
            guard arguments.count == 3, case .tensor(let tensor) = value(arguments[0]) else {
                throw fault("a parameter is made of something that is not a tensor")
            }
            try push(.tensor(tensor))
        case .orderedDictionary: try push(.dictionary(entries(arguments)))
        case .storage, .type:
            throw fault("it calls `\(function.name)`, which is never called")
        }
    }

    /// The entries of an ordered dict that is made of nothing or of one list of pairs.
    private mutating func entries(
        _ arguments: [PickleReference]
    ) throws(FormatError) -> [(key: PickleReference, value: PickleReference)] {
        guard let first = arguments.first else { return [] }
        guard arguments.count == 1, case .list(let pairs) = value(first) else {
            throw fault("an ordered dict is made of \(value(first).noun)")
        }
        try count(slots: 2 * pairs.count)
        var entries: [(key: PickleReference, value: PickleReference)] = []
        for pair in pairs {
            let parts: [PickleReference]
            switch value(pair) {
            case .list(let list): parts = list
            case .tuple(let tuple): parts = tuple
            default: parts = []
            }
            guard parts.count == 2 else { throw fault("an ordered dict is made of no pairs") }
            entries.append((parts[0], parts[1]))
        }
        return entries
    }

    /// The tensor that the arguments of a rebuilding function describe.
    ///
    /// - Source: `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks,
    ///   metadata)`; the third version has the element type before `metadata`.
    private func tensor(
        _ arguments: [PickleReference], of function: PickleGlobal
    ) throws(FormatError) -> TorchLayout {
        let isTyped = function == .rebuildTypedTensor
        let least = isTyped ? 7 : 6
        guard (least...least + 1).contains(arguments.count),
            case .storage(let storage) = value(arguments[0]),
            case .integer(let offset) = value(arguments[1]), offset >= 0,
            let shape = lengths(arguments[2]), let strides = lengths(arguments[3])
        else { throw fault("the arguments of `\(function.name)` are not those of a tensor") }
        guard shape.count == strides.count, shape.count <= Self.mostAxes else {
            throw fault("a tensor has \(shape.count) axes and \(strides.count) strides")
        }
        var type = storage.type
        if isTyped {
            guard case .global(.type(let named)) = value(arguments[6]) else {
                throw fault("a tensor has \(value(arguments[6]).noun) as its element type")
            }
            type = named
        }
        guard let type, storage.type == nil || storage.type == type else {
            throw fault("a tensor has another element type than its storage")
        }
        return TorchLayout(
            storage: storage, type: type, offset: offset,
            layout: StridedLayout(shape: shape, strides: strides))
    }

    /// A tuple of integers from 0 up; nil for anything else.
    private func lengths(_ reference: PickleReference) -> [Int]? {
        guard case .tuple(let parts) = value(reference) else { return nil }
        var numbers: [Int] = []
        for part in parts {
            guard case .integer(let number) = value(part), number >= 0 else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// Drops the attributes that would be set on an ordered dict, such as `_metadata`.
    mutating func build() throws(FormatError) {
        let parts = try popped(2)
        guard case .dictionary = value(parts[0]) else {
            throw fault("it sets attributes of \(value(parts[0]).noun)")
        }
        guard case .dictionary = value(parts[1]) else {
            throw fault("the attributes of a dict are \(value(parts[1]).noun)")
        }
        stack.append(parts[0])
    }
}

/// Pieces of pickles and the torch files around them.
enum ForgedPickle {
    /// The start of a pickle of protocol 2.
    static let start: [UInt8] = [0x80, 2]
    /// `EMPTY_TUPLE`, `REDUCE`, `STOP`, `MARK`, `TUPLE`.
    static let (emptyTuple, reduce, stop, mark, tuple):
        ([UInt8], [UInt8], [UInt8], [UInt8], [UInt8]) =
            ([0x29], [0x52], [0x2E], [0x28], [0x74])

    /// A function or class by its name.
    static func global(_ module: String, _ name: String) -> [UInt8] {
        Array("c\(module)\n\(name)\n".utf8)
    }

    /// A function or class by two texts on the stack.
    static func stackGlobal(_ module: String, _ name: String) -> [UInt8] {
        text(module) + text(name) + [0x93]
    }

    /// A text.
    static func text(_ text: String) -> [UInt8] {
        [0x58] + littleEndian(text.utf8.count, 4) + Array(text.utf8)
    }

    /// An integer of up to eight bytes.
    static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + littleEndian(value, 8) }

    /// A tuple of values.
    static func tuple(_ values: [UInt8]...) -> [UInt8] { mark + values.joined() + tuple }

    /// A tuple of integers.
    static func integers(_ values: [Int]) -> [UInt8] {
        mark + values.flatMap(integer) + tuple
    }

    /// A dict.
    static func dictionary(_ items: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
        [0x7D] + mark + items.flatMap { $0.key + $0.value } + [0x75]
    }

    /// A call of a function with a tuple of arguments.
    static func call(_ function: [UInt8], _ arguments: [UInt8]...) -> [UInt8] {
        function + mark + arguments.joined() + tuple + reduce
    }

    /// The persistent id of a storage.
    static func storage(
        _ key: String = "0", type: [UInt8] = global("torch", "FloatStorage"), count: Int = 4
    ) -> [UInt8] {
        tuple(text("storage"), type, text(key), text("cpu"), integer(count)) + [0x51]
    }

    /// A tensor, of four floats unless told otherwise.
    static func tensor(
        _ storage: [UInt8] = storage(), offset: Int = 0, shape: [Int] = [4], strides: [Int] = [1],
        hooks: [UInt8] = global("collections", "OrderedDict") + emptyTuple + reduce
    ) -> [UInt8] {
        call(
            global("torch._utils", "_rebuild_tensor_v2"), storage, integer(offset),
            integers(shape), integers(strides), [0x89], hooks)
    }

    /// A whole pickle that holds one dict of one value.
    static func holding(_ value: [UInt8], named name: String = "w") -> [UInt8] {
        start + dictionary([(text(name), value)]) + stop
    }

    /// A torch file of a pickle and one storage of 16 bytes.
    static func file(_ pickle: [UInt8], _ more: [ForgedArchive.Member] = []) -> [UInt8] {
        ForgedArchive(
            [
                .init("archive/data.pkl", pickle), .init("archive/version", Array("3\n".utf8)),
                .init("archive/data/0", .init(repeating: 0, count: 16)),
            ] + more
        ).bytes
    }
}

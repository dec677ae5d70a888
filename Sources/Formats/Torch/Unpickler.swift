import Basics
import Tensors

/// A reader of the pickles that `torch.save` writes for dicts of tensors and plain values.
///
/// It knows a list of operations and a list of names and refuses everything else. A named function
/// is never called: the few that are on the list stand for values that are built here.
///
/// - Source: the pickle protocol as documented in Python's `pickletools`; `torch.serialization`.
/// - Cost: one pass; values, stack and memo are bounded by the limits below.
struct Unpickler {
    /// The bytes of the pickle.
    let reader: ByteReader
    /// What messages call the pickle.
    let name: String
    /// The offset of the operation that is being done.
    private(set) var start = 0
    /// The next byte to read.
    var position = 0
    /// All values made so far.
    private(set) var values: [PickleValue] = []
    /// The current values.
    var stack: [PickleReference] = []
    /// The heights of the stack at which lists of arguments begin.
    private var marks: [Int] = []
    /// The slots in all lists, dicts and tuples so far.
    private var slots = 0
    /// The values put aside.
    private var memo: [Int: PickleReference] = [:]

    /// The longest pickle that is read.
    static let longest = 64 << 20
    /// The most values that are made.
    static let mostValues = 100_000
    /// The most slots in all lists, dicts and tuples.
    static let mostSlots = 1_000_000
    /// The most operations that are done.
    static let mostOperations = 1_000_000
    /// The most open lists of arguments.
    static let mostMarks = 1_000
    /// The largest number under which a value is put aside.
    static let largestMemo = 250_000

    /// A reader at the start of a pickle.
    init(bytes: UnsafeRawBufferPointer, name: String) {
        reader = ByteReader(bytes: bytes)
        self.name = name
    }

    /// Does all operations and gives the value that is left at the end.
    mutating func load() throws(FormatError) -> PickleReference {
        guard reader.bytes.count <= Self.longest else {
            throw FormatError(
                .tooLarge,
                "\(name) is \(reader.bytes.count) bytes long, the limit is \(Self.longest)",
                advice: "save the weights alone, with torch.save(state_dict, path)")
        }
        for _ in 0..<Self.mostOperations {
            start = position
            let code = try number(1)
            guard let operation = PickleOperation(rawValue: UInt8(code)) else {
                throw unknownOperation(UInt8(code))
            }
            guard operation != .stop else {
                guard stack.count == 1, marks.isEmpty, let result = stack.last else {
                    throw fault("it stops with \(stack.count) values and not with one")
                }
                guard position == reader.bytes.count else {
                    throw fault("\(reader.bytes.count - position) bytes follow its end")
                }
                return result
            }
            try perform(operation)
        }
        throw tooLarge("more than \(Self.mostOperations) operations")
    }

    /// Does one operation.
    private mutating func perform(_ operation: PickleOperation) throws(FormatError) {
        switch operation {
        case .proto: try checkProtocol()
        case .frame:
            let length = try number(8)
            guard length <= reader.bytes.count - position else {
                throw truncated("a frame of \(length) bytes")
            }
        case .mark:
            guard marks.count < Self.mostMarks else {
                throw tooLarge("more than \(Self.mostMarks) open lists")
            }
            marks.append(stack.count)
        case .none: try push(.none)
        case .newTrue: try push(.truth(true))
        case .newFalse: try push(.truth(false))
        case .binInt: try push(.integer(Int(Int32(truncatingIfNeeded: number(4)))))
        case .binInt1: try push(.integer(number(1)))
        case .binInt2: try push(.integer(number(2)))
        case .long1: try push(.integer(long()))
        case .binFloat: try push(.number(float()))
        case .binUnicode: try push(.text(text(number(4))))
        case .shortBinUnicode: try push(.text(text(number(1))))
        case .emptyTuple: try push(.tuple([]))
        case .emptyList: try push(.list([]))
        case .emptyDict: try push(.dictionary([]))
        case .tuple: try push(.tuple(poppedToMark()))
        case .tuple1, .tuple2, .tuple3:
            try push(.tuple(popped(Int(operation.rawValue - PickleOperation.tuple1.rawValue) + 1)))
        case .append: try extendList(with: popped(1))
        case .appends: try extendList(with: poppedToMark())
        case .setItem: try extendDictionary(with: popped(2))
        case .setItems: try extendDictionary(with: poppedToMark())
        case .binPut: try remember(as: number(1))
        case .longBinPut: try remember(as: number(4))
        case .memoize: try remember(as: memo.count)
        case .binGet: try recall(number(1))
        case .longBinGet: try recall(number(4))
        case .global: try push(.global(global(module: line(), name: line())))
        case .stackGlobal: try pushStackGlobal()
        case .inst:
            // Its name is what is reported.
            _ = try global(module: line(), name: line())
            throw unknownOperation(operation.rawValue)
        case .binPersID: try push(.storage(storage(popped(1)[0])))
        case .reduce: try reduce()
        case .build: try build()
        case .stop: break
        }
    }
}

// MARK: - Current values

extension Unpickler {
    /// The value at an index.
    func value(_ reference: PickleReference) -> PickleValue { values[reference] }

    /// Makes a value and puts it on the stack.
    mutating func push(_ value: PickleValue) throws(FormatError) {
        guard values.count < Self.mostValues else {
            throw tooLarge("more than \(Self.mostValues) values")
        }
        stack.append(values.count)
        values.append(value)
    }

    /// Throws when lists, dicts and tuples would have too many slots in all.
    mutating func count(slots: Int) throws(FormatError) {
        self.slots += slots
        guard self.slots <= Self.mostSlots else {
            throw tooLarge("more than \(Self.mostSlots) slots in lists and dicts")
        }
    }

    /// Takes some values from the stack, in the order they were put there.
    mutating func popped(_ count: Int) throws(FormatError) -> [PickleReference] {
        guard stack.count - (marks.last ?? 0) >= count else {
            throw fault("it takes \(count) values from a stack that does not hold them")
        }
        try self.count(slots: count)
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    /// Takes the values above the last mark from the stack.
    private mutating func poppedToMark() throws(FormatError) -> [PickleReference] {
        guard let mark = marks.popLast() else { throw fault("a list of arguments has no start") }
        try count(slots: stack.count - mark)
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    /// The value on top of the stack, which stays there.
    private func top() throws(FormatError) -> PickleReference {
        guard stack.count > marks.last ?? 0, let top = stack.last else {
            throw fault("it changes a value that is not there")
        }
        return top
    }

    /// Adds elements to the list on top of the stack.
    private mutating func extendList(with elements: [PickleReference]) throws(FormatError) {
        let target = try top()
        guard case .list(var list) = values[target] else {
            throw fault("it appends to \(values[target].noun)")
        }
        // Emptied first, so that the list is not copied.
        values[target] = .none
        list += elements
        values[target] = .list(list)
    }

    /// Adds keys and values to the dict on top of the stack.
    private mutating func extendDictionary(with items: [PickleReference]) throws(FormatError) {
        let target = try top()
        guard case .dictionary(var entries) = values[target] else {
            throw fault("it sets items of \(values[target].noun)")
        }
        guard items.count.isMultiple(of: 2) else { throw fault("a key has no value") }
        values[target] = .none
        for index in stride(from: 0, to: items.count, by: 2) {
            entries.append((items[index], items[index + 1]))
        }
        values[target] = .dictionary(entries)
    }

    /// Puts the value on top of the stack aside.
    private mutating func remember(as number: Int) throws(FormatError) {
        guard number <= Self.largestMemo else {
            throw tooLarge("a memo number of \(number), the limit is \(Self.largestMemo)")
        }
        memo[number] = try top()
    }

    /// Puts a value that was put aside on the stack.
    private mutating func recall(_ number: Int) throws(FormatError) {
        guard let reference = memo[number] else {
            throw fault("it asks for memo \(number), which was never set")
        }
        stack.append(reference)
    }
}

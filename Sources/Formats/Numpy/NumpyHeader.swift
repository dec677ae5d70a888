import Basics
import Tensors

/// The header of an array in numpy's own format.
///
/// - Source: NEP 1, versions 1.0, 2.0 and 3.0 of the npy format.
struct NumpyHeader: Sendable, Equatable {
    /// How elements are stored.
    var type: ElementType
    /// The lengths of the axes, outermost first.
    var shape: [Int]
    /// Whether the first axis varies fastest.
    var isFortranOrder: Bool
    /// Whether the first byte of an element counts most.
    var isBigEndian: Bool
    /// Where the data starts.
    var dataOffset: Int
    /// The bytes of the data.
    var dataByteCount: Int

    /// The longest header text that is read.
    static let longest = 1 << 16
    /// The bytes that are enough to hold any header.
    static let enoughBytes = longest + 12

    /// Parses the start of an array's bytes.
    ///
    /// - Parameter name: what the messages call the array.
    init(parsing bytes: UnsafeRawBufferPointer, name: String) throws(FormatError) {
        let reader = ByteReader(bytes: bytes)
        guard bytes.count >= 10 else {
            throw FormatError(
                .truncated, "\(name) holds \(bytes.count) bytes of the 10 that a header needs",
                advice: "download or export the file again")
        }
        guard bytes.starts(with: [0x93] + Array("NUMPY".utf8)), (1...3).contains(bytes[6]) else {
            throw FormatError(
                .malformed, "\(name) does not start like an npy array of version 1 to 3",
                advice: "write it with numpy.save")
        }
        let start = bytes[6] == 1 ? 10 : 12
        let length = bytes[6] == 1 ? reader.uint16(at: 8) : reader.uint32(at: 8)
        guard let length, length <= Self.longest else {
            throw FormatError(
                .tooLarge,
                "\(name) has a header of \(length ?? 0) bytes, the limit is \(Self.longest)",
                advice: "write it with numpy.save")
        }
        guard let text = reader.slice(at: start, count: length) else {
            throw FormatError(
                .truncated, "\(name) ends within its header of \(length) bytes",
                advice: "download or export the file again")
        }
        dataOffset = start + length
        var literal = NumpyLiteral(bytes: Array(text))
        guard let fields = literal.fields() else {
            throw FormatError(
                .malformed,
                "\(name) has the header `\(String(decoding: text.prefix(120), as: UTF8.self))`",
                advice: "write it with numpy.save")
        }
        guard let type = ElementType(numpy: fields.type) else {
            throw FormatError(
                .unsupported, "\(name) has elements of type `\(fields.type)`",
                advice:
                    "save it as float or signed integer; objects are pickles and never read"
            )
        }
        guard let count = checkedByteCount(shape: fields.shape, type: type) else {
            throw FormatError(
                .malformed, "\(name) has the shape \(fields.shape)",
                advice: "write it with numpy.save")
        }
        (self.type, shape, dataByteCount) = (type, fields.shape, count)
        isFortranOrder = fields.isFortranOrder
        isBigEndian = fields.type.hasPrefix(">")
    }
}

/// A parser of the one Python literal that an npy header is.
struct NumpyLiteral {
    /// The text.
    let bytes: [UInt8]
    /// The next byte to read.
    private var position = 0

    /// A parser at the start of a text.
    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The three entries of the header; nil when the text is anything else.
    mutating func fields() -> (type: String, isFortranOrder: Bool, shape: [Int])? {
        var type: String?
        var order: Bool?
        var shape: [Int]?
        guard take("{") else { return nil }
        while !take("}") {
            guard let key = quoted(), take(":") else { return nil }
            switch key {
            case "descr": type = quoted() ?? compound()
            case "fortran_order": order = take("True") ? true : take("False") ? false : nil
            case "shape": shape = tuple()
            default: return nil
            }
            guard take(",") || peek() == UInt8(ascii: "}") else { return nil }
        }
        guard let type, let order, let shape, peek() == nil else { return nil }
        return (type, order, shape)
    }

    /// The next byte that is no space.
    private mutating func peek() -> UInt8? {
        while position < bytes.count, [0x20, 0x0A, 0x09].contains(bytes[position]) { position += 1 }
        return position < bytes.count ? bytes[position] : nil
    }

    /// Passes over a word; false when something else comes next.
    private mutating func take(_ word: String) -> Bool {
        guard peek() != nil, bytes[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    /// The text between two quotes.
    private mutating func quoted() -> String? {
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            return nil
        }
        guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { return nil }
        defer { position = end + 1 }
        return String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
    }

    /// The text of a list of fields, so that the message can name it.
    private mutating func compound() -> String? {
        guard peek() == UInt8(ascii: "["),
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        defer { position = end + 1 }
        return String(decoding: bytes[position...end], as: UTF8.self)
    }

    /// A tuple of integers.
    private mutating func tuple() -> [Int]? {
        guard take("(") else { return nil }
        var numbers: [Int] = []
        while !take(")") {
            guard numbers.count < 64, let number = integer() else { return nil }
            numbers.append(number)
            guard take(",") || peek() == UInt8(ascii: ")") else { return nil }
        }
        return numbers
    }

    /// An integer from 0 up, with the `L` that Python 2 wrote.
    private mutating func integer() -> Int? {
        guard peek() != nil else { return nil }
        let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
        position += digits.count
        _ = take("L")
        return Int(String(decoding: digits, as: UTF8.self))
    }
}

extension ElementType {
    /// The type that numpy describes by a text, in either byte order; nil for others.
    init?(numpy text: String) {
        switch text {
        case "<f2", ">f2": self = .float16
        case "<f4", ">f4": self = .float32
        case "<f8", ">f8": self = .float64
        case "<i2", ">i2": self = .int16
        case "<i4", ">i4": self = .int32
        case "<i8", ">i8": self = .int64
        case "|i1": self = .int8
        case "|u1": self = .uint8
        case "|b1": self = .bool
        default: return nil
        }
    }
}

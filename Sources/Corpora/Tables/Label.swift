import Basics

/// A value that tells what a row is; labels of different types are different.
enum Label: Hashable, Sendable {
    case truth(Bool)
    case integer(Int)
    case number(Double)
    case text([UInt8])

    /// The label as Python's `str` writes it, which is how classes are named.
    var name: String {
        switch self {
        case .truth(let value): value ? "True" : "False"
        case .integer(let value): String(value)
        case .number(let value): JSON.number(value).text()
        case .text(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Whether this comes first among labels of one type; texts are compared byte by byte.
    func precedes(_ other: Label) -> Bool {
        switch (self, other) {
        case (.truth(let first), .truth(let second)): !first && second
        case (.integer(let first), .integer(let second)): first < second
        case (.number(let first), .number(let second)): first < second
        case (.text(let first), .text(let second)): first.lexicographicallyPrecedes(second)
        default: false
        }
    }
}

/// The types of a column of labels.
enum LabelType: String, Sendable {
    case integer, number, text
    /// Whatever the whole column is, as pandas decides it.
    case any

    /// The label of a class's name; nil when the name is of another type.
    func label(named name: String) -> Label? {
        switch self {
        case .integer: Int(name).map { .integer($0) }
        case .number: Double(name).map { .number($0) }
        case .text, .any: .text(Array(name.utf8))
        }
    }

    /// What a column of this type holds, for messages.
    var noun: String {
        switch self {
        case .integer: "an integer"
        case .number: "a number"
        case .text: "a text"
        case .any: "a label"
        }
    }
}

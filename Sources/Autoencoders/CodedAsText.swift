import Basics

/// A JSON value that is encoded as its text.
@propertyWrapper
public struct CodedAsText: Sendable, Codable {
    /// The value.
    public var wrappedValue: JSON

    /// Wraps a value.
    public init(wrappedValue: JSON) { self.wrappedValue = wrappedValue }

    /// Parses the text.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        wrappedValue = try JSON(parsing: Array(text.utf8), source: "an encoded configuration")
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue.text())
    }
}

extension JSON {
    /// This object with a key replaced where it stands, or appended.
    func setting(_ key: String, to value: JSON) -> JSON {
        var members = members ?? []
        if let index = members.lastIndex(where: { $0.key == key }) {
            members[index].value = value
        } else {
            members.append(JSONMember(key: key, value: value))
        }
        return .object(members)
    }
}

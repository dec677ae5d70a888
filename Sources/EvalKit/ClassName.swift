/// The name of a class of texts; a config may write it as text or as a number.
public struct ClassName: Codable, Sendable, Hashable {
    /// The name as datasets write it.
    public var text: String

    /// Names a class.
    public init(_ text: String) { self.text = text }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self.text = text
        } else if let number = try? container.decode(Int.self) {
            text = "\(number)"
        } else {
            text = "\(try container.decode(Double.self))"
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

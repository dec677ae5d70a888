import Basics
import Foundation

/// What an evaluation can be told. Stored properties carry the published defaults; their names in
/// snake case are the keys of the config.
public protocol EvaluationSettings: Codable, Sendable {
    /// The published settings.
    init()
    /// Checks values before anything is loaded.
    ///
    /// - Throws: ``EvaluationError`` with key, value and what is allowed.
    func validate() throws(EvaluationError)
}

extension EvaluationSettings {
    /// The settings as JSON with snake-case keys, sorted: the part of a content key that settings
    /// make.
    public var json: JSON {
        get throws { try JSON(encoding: self) }
    }

    /// Reads settings from a config: given keys replace defaults.
    ///
    /// - Throws: ``EvaluationError`` for an unknown key, naming the nearest known one, a value of
    ///   another type, or a value out of range.
    public init(config: JSON, owner: String) throws {
        let defaults = try JSON(encoding: Self()).members ?? []
        let given = config.isNull ? [] : config.members
        guard let given else {
            throw EvaluationError(
                .wrongType, "`\(owner)` holds \(config.text()), not settings",
                advice: "write `key: value` lines below it")
        }
        let known = defaults.map(\.key)
        for member in given where !known.contains(member.key) {
            throw EvaluationError(
                .unknownKey, "Key `\(member.key)` of `\(owner)` is unknown",
                advice: suggestion(for: member.key, among: known))
        }
        do {
            self = try Self.merged(given, into: defaults).decoded(as: Self.self)
        } catch let error as DecodingError {
            let isWrong = { (member: JSONMember) in
                (try? Self.merged([member], into: defaults).decoded(as: Self.self)) == nil
            }
            guard let member = given.last(where: isWrong) else { throw error }
            throw EvaluationError(
                .wrongType,
                "`\(owner).\(member.key)` holds \(member.value.text()), which has the wrong type",
                advice:
                    "write a value like \(defaults.first { $0.key == member.key }?.value.text() ?? "the default")"
            )
        }
        try validate()
    }

    private static func merged(_ given: [JSONMember], into defaults: [JSONMember]) -> JSON {
        .object(
            defaults.map { entry in
                JSONMember(
                    key: entry.key, value: given.last { $0.key == entry.key }?.value ?? entry.value)
            })
    }
}

extension JSON {
    /// The JSON of a codable value: keys in snake case, sorted.
    public init(encoding value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try self.init(parsing: [UInt8](encoder.encode(value)), source: "\(type(of: value))")
    }

    /// Decodes a codable value from snake-case keys.
    public func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(text().utf8))
    }
}

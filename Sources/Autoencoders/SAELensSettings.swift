import Basics

/// The keys of an SAE's configuration under the names of SAELens 6, read and checked one by one.
struct SAELensSettings {
    /// The file that they are from, for messages.
    let path: String
    /// The object, `metadata` included.
    let json: JSON

    /// An entry of `metadata`, or of the top level where version 5 kept it; null counts as absent.
    func metadata(_ key: String) -> JSON? {
        [json["metadata"]?[key], json[key]].compactMap { $0 }.first { !$0.isNull }
    }

    /// A text; nil when it is absent.
    func text(_ key: String) throws(AutoencoderError) -> String? {
        try value(key, "a text", \.text)
    }

    /// An integer; nil when it is absent.
    func integer(_ key: String) throws(AutoencoderError) -> Int? {
        try value(key, "an integer", \.integer)
    }

    /// A number; nil when it is absent.
    func number(_ key: String) throws(AutoencoderError) -> Double? {
        try value(key, "a number", \.double)
    }

    /// A truth value; nil when it is absent.
    func truth(_ key: String) throws(AutoencoderError) -> Bool? {
        try value(key, "true or false", \.truth)
    }

    /// The length of an axis, which must be there.
    func size(_ key: String) throws(AutoencoderError) -> Int {
        if let size = try integer(key) { return size }
        throw AutoencoderError(
            .missing, "\(path) has no `\(key)`",
            advice: "check that it is the configuration of an autoencoder of SAELens")
    }

    /// A value of a kind; nil when it is absent or null.
    private func value<Value>(
        _ key: String, _ kind: String, _ read: (JSON) -> Value?
    ) throws(AutoencoderError) -> Value? {
        guard let stored = json[key], !stored.isNull else { return nil }
        guard let value = read(stored) else {
            throw AutoencoderError(
                .malformed, "\(path): `\(key)` is \(stored.text()), expected \(kind)",
                advice: "correct `\(key)` in the file")
        }
        return value
    }
}

import Testing

@testable import Basics

/// A hostile text and a piece of its error's sentence.
private typealias Hostile = (name: String, bytes: [UInt8], sentence: String)

/// A hostile text of UTF-8.
private func attack(_ name: String, _ text: String, _ sentence: String) -> Hostile {
    (name, Array(text.utf8), sentence)
}

/// The same text again and again.
private func many(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }

/// A string of raw bytes.
private func string(_ name: String, _ bytes: [UInt8], _ sentence: String) -> Hostile {
    (name, [0x22] + bytes + [0x22], sentence)
}

private let attacks: [Hostile] = [
    attack("nothing", "", "ends early at byte 0"),
    attack("space alone", many(100_000, " "), "ends early"),
    attack("a mark alone", "\u{FEFF}", "ends early"),
    ("a NUL", [0], "not a number"),
    ("UTF-16", [0xFF, 0xFE, 0x7B, 0], "not a number"),
    attack("many open lists", many(100_000, "["), "200 nested levels"),
    attack("many open objects", many(100_000, "{\"a\":"), "200 nested levels"),
    attack("lists and objects in turn", many(50_000, "[{\"a\":"), "200 nested levels"),
    attack("201 lists", many(201, "[") + many(201, "]"), "200 nested levels"),
    attack("an open list", "[1", "ends early"),
    attack("an open list behind a comma", "[1,", "ends early"),
    attack("an open object", "{\"a\": 1", "ends early"),
    attack("an open object behind a colon", "{\"a\":", "ends early"),
    attack("a list that an object closes", "[1}", "a comma is missing"),
    attack("an object that a list closes", "{\"a\": 1]", "a comma is missing"),
    attack("a comma before the end", "[1,]", "not a number"),
    attack("two commas", "[1,,2]", "not a number"),
    attack("no comma", "[1 2]", "a comma is missing"),
    attack("a comma before the end of an object", "{\"a\": 1,}", "a key is missing"),
    attack("a key without quotes", "{a: 1}", "a key is missing"),
    attack("a key that is a number", "{1: 1}", "a key is missing"),
    attack("a key without a value", "{\"a\"}", "a colon is missing"),
    attack("an equals sign", "{\"a\" = 1}", "a colon is missing"),
    attack("single quotes", "'a'", "not a number"),
    attack("a comment", "// a\n1", "not a number"),
    attack("a comment behind", "1 /* a */", "after the end"),
    attack("two values", "1 2", "after the end"),
    attack("a NUL behind", "1\0", "after the end"),
    attack("a closing bracket behind", "[]]", "after the end"),
    attack("half a word", "tru", "ends early"),
    attack("a wrong word", "nulL", "unknown word"),
    attack("a word of capitals", "NULL", "unknown word"),
    attack("a word that goes on", "trueish", "after the end"),
    attack("a plus sign", "+1", "not a number: `+1`"),
    attack("a minus sign", "-", "not a number: `-`"),
    attack("two minus signs", "--1", "not a number"),
    attack("a leading zero", "01", "not a number: `01`"),
    attack("a leading zero below zero", "-01", "not a number"),
    attack("a point in front", ".5", "not a number"),
    attack("a point at the end", "5.", "not a number"),
    attack("two points", "1.2.3", "not a number"),
    attack("an exponent without digits", "1e", "not a number"),
    attack("an exponent with a fraction", "1e1.5", "not a number"),
    attack("a hexadecimal number", "0x10", "after the end"),
    attack("digits of another script", "٣", "not a number"),
    attack("an open string", "\"a", "a string has no end"),
    attack("an open escape", "\"a\\", "a string has no end"),
    attack(
        "an open string of many letters", "\"" + many(100_000, "a"), "a string has no end"),
    attack("an unknown escape", "\"\\x41\"", "unknown escape"),
    attack("a cut escape", "\"\\u12", "ends early"),
    attack("an escape that is no number", "\"\\u12g4\"", "unknown escape"),
    attack("a signed escape", "\"\\u+123\"", "unknown escape"),
    string("a raw line break", [0x0A], "a control character"),
    string("a raw NUL", [0x61, 0], "a control character"),
    string("a raw tab behind an escape", Array("\\n\t".utf8), "a control character"),
    string("a lone continuation", [0x80], "not UTF-8"),
    string("a cut character", [0xE2, 0x82], "not UTF-8"),
    string("an overlong slash", [0xC0, 0xAF], "not UTF-8"),
    string("an overlong NUL behind an escape", Array("\\n".utf8) + [0xC0, 0x80], "not UTF-8"),
    string("half a surrogate pair", [0xED, 0xA0, 0x80], "not UTF-8"),
    string("a character beyond Unicode", [0xF4, 0x90, 0x80, 0x80], "not UTF-8"),
    string("a byte that is never used", [0xFF], "not UTF-8"),
    ("bad UTF-8 in a key", Array("{\"".utf8) + [0xFE] + Array("\": 1}".utf8), "not UTF-8"),
    attack("minus half of infinity", "-Infinit", "ends early"),
]

@Suite("Hostile JSON")
struct HostileJSONTests {
    @Test("A hostile text is refused with its own error", arguments: attacks.indices)
    func refused(index: Int) {
        let attack = attacks[index]
        let error = #expect(throws: BasicsError.self, "\(attack.name)") {
            try JSON(parsing: attack.bytes, source: "a text")
        }
        #expect(error?.code == .malformed)
        #expect(
            error?.message.contains(attack.sentence) == true,
            "\(attack.name): \(error.map { "\($0)" } ?? "")")
        #expect((error?.message.utf8.count ?? 0) < 300 && error?.advice != nil, "\(attack.name)")
    }

    @Test("At least 40 attacks are made")
    func count() { #expect(attacks.count >= 40) }

    @Test(
        "Numbers of every form are read", arguments: ["0", "-0", "10", "0.5", "-1.25e-3", "1E+2"])
    func numbers(text: String) throws {
        #expect(try JSON(parsing: Array(text.utf8), source: "a text").double == Double(text))
    }
}

import Testing

@testable import Basics

struct JSONParserTests {
    /// A text with every kind of value.
    static let sample =
        #"{"a": [1, -2.5e3, null, true, false, NaN, -Infinity], "b\n": {"c": "\u00e9\ud83d\ude00"}}"#

    @Test("Values of every kind are read in order")
    func kinds() throws {
        let json = try parse(Self.sample)
        #expect(json.members?.map(\.key) == ["a", "b\n"])
        let list = try #require(json["a"]?.elements)
        #expect(list[0].integer == 1)
        #expect(list[1].double == -2500)
        #expect(list[2].isNull)
        #expect(list[3].truth == true)
        #expect(list[4].truth == false)
        #expect(list[5].double?.isNaN == true)
        #expect(list[6].double == -.infinity)
        #expect(json["b\n"]?["c"]?.text == "é😀")
    }

    @Test("Keys that are equal only canonically stay apart")
    func canonicalKeys() throws {
        let json = try parse("{\"\u{E9}\": 1, \"e\u{301}\": 2, \"\u{212B}\": 3, \"\u{C5}\": 4}")
        #expect(json.members?.count == 4)
        #expect(json["\u{E9}"]?.integer == 1)
        #expect(json["e\u{301}"]?.integer == 2)
        #expect(json["\u{212B}"]?.integer == 3)
        #expect(json["\u{C5}"]?.integer == 4)
        #expect(json["A\u{30A}"] == nil)
    }

    @Test("Of equal keys the last one counts")
    func repeatedKeys() throws {
        #expect(try parse(#"{"a": 1, "a": 2}"#)["a"]?.integer == 2)
    }

    @Test(
        "Escapes give their characters",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u20AC""#, "Aé€"),
            (#""\ud83d\ude00!""#, "😀!"), (#""\ud83d""#, "\u{FFFD}"),
            (#""\ude00x""#, "\u{FFFD}x"),
            (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"),
            (#""\ud83d\n""#, "\u{FFFD}\n"), (#""\u0000""#, "\0"),
        ])
    func escapes(written: String, text: String) throws {
        #expect(try parse(written).text.map { Array($0.utf8) } == Array(text.utf8))
    }

    @Test("A text cut at any byte is an error", arguments: 0..<sample.utf8.count)
    func truncation(length: Int) {
        let bytes = Array(Self.sample.utf8.prefix(length))
        #expect(throws: BasicsError.self) { try JSON(parsing: bytes, source: "a text") }
    }

    @Test("A text with any byte replaced is a value or an error", arguments: 0..<sample.utf8.count)
    func damage(position: Int) {
        for byte in UInt8.min...UInt8.max {
            var bytes = Array(Self.sample.utf8)
            let isUnchanged = bytes[position] == byte
            bytes[position] = byte
            let value = try? JSON(parsing: bytes, source: "a text")
            if isUnchanged { #expect(value != nil) }
        }
    }

    @Test("199 nested lists are read and 201 refused")
    func depth() throws {
        let nested = { (count: Int) in
            String(repeating: "[", count: count) + String(repeating: "]", count: count)
        }
        _ = try parse(nested(199))
        #expect(try parsingError(nested(201)).message.contains("nested"))
        #expect(throws: BasicsError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: BasicsError.self) {
            try parse(String(repeating: "{\"a\":", count: 1_000_000))
        }
    }

    @Test(
        "What is not JSON is refused",
        arguments: [
            "", " ", "nul", "nan", "+", "-", "--1", "1-2", "1e", ".", "1 2", "[1,]", "[,1]",
            "[1 2]", "{,}",
            "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a: 1}", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"",
            "\"\\u12",
            "[}", "{]", "Infinit", "-Infinit", "trueish", "]", "1]", "0x10", "1_000",
        ])
    func refused(_ text: String) throws {
        let error = try parsingError(text)
        #expect(error.code == .malformed)
        #expect(error.message.hasPrefix("a text is not valid JSON"))
        #expect(error.message.contains("at byte"))
    }

    @Test("Bytes that are not UTF-8 are refused in keys and values")
    func notUTF8() {
        for bad: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] {
            let quote = UInt8(ascii: "\"")
            #expect(throws: BasicsError.self) {
                try JSON(parsing: [quote] + bad + [quote], source: "a text")
            }
        }
    }

    @Test("A byte-order mark and space around the value are skipped")
    func mark() throws {
        #expect(try parse("\u{FEFF} \t\r\n 7 \n").integer == 7)
    }

    @Test("Integers beyond 64 bits become numbers")
    func largeIntegers() throws {
        #expect(try parse("9223372036854775807").integer == Int.max)
        #expect(try parse("9223372036854775808").double == 9.223372036854775808e18)
        #expect(try parse("9223372036854775808").integer == nil)
        #expect(try parse("3.0").integer == 3)
        #expect(try parse("3.5").integer == nil)
    }
}

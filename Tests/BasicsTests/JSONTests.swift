import Testing

@testable import Basics

struct JSONTests {
    @Test(
        "Numbers are written as Python writes them",
        arguments: [
            (0.1, "0.1"), (100, "100.0"), (-0.0, "-0.0"), (1e-5, "1e-05"), (0.0001, "0.0001"),
            (2.5e-7, "2.5e-07"),
            (1e15, "1000000000000000.0"), (9_007_199_254_740_992, "9007199254740992.0"),
            (9_007_199_254_740_994, "9007199254740994.0"),
            (-9_999_999_999_999_998, "-9999999999999998.0"),
            (1e16, "1e+16"), (1.2345678901234568e17, "1.2345678901234568e+17"), (1e22, "1e+22"),
            (1e100, "1e+100"), (.leastNonzeroMagnitude, "5e-324"),
            (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
            (1.0 / 3, "0.3333333333333333"), (.nan, "NaN"), (.infinity, "Infinity"),
            (-.infinity, "-Infinity"),
        ] as [(Double, String)])
    func numbers(value: Double, text: String) throws {
        #expect(JSON.number(value).text() == text)
        let read = try #require(try parse(text).double)
        #expect(read.bitPattern == value.bitPattern || read.isNaN && value.isNaN)
    }

    @Test("Texts are written in ASCII as Python writes them")
    func texts() {
        let text = "\"\\/\u{8}\u{C}\n\r\t\u{1}\u{7F}é€😀"
        #expect(
            JSON.string(text).text()
                == #""\"\\/\b\f\n\r\t\u0001\u007f\u00e9\u20ac\ud83d\ude00""#)
    }

    @Test("An indent of 2 lays a value out as json.dumps does")
    func indent() {
        let json: JSON = .object([
            "a": .array([.integer(1), .object(["b": .null])]), "empty": .array([]),
            "none": .object([]),
            "c": .bool(true),
        ])
        let expected = """
            {
              "a": [
                1,
                {
                  "b": null
                }
              ],
              "empty": [],
              "none": {},
              "c": true
            }
            """
        #expect(json.text(indent: 2) == expected)
        #expect(json.text() == #"{"a": [1, {"b": null}], "empty": [], "none": {}, "c": true}"#)
    }

    @Test("A written value reads as the same value", arguments: [nil, 0, 2] as [Int?])
    func roundTrip(indent: Int?) throws {
        let json = try parse(JSONParserTests.sample)
        #expect(try parse(json.text(indent: indent)).text() == json.text())
    }

    @Test("A missing file and a broken file are named")
    func files() throws {
        let folder = try TemporaryFolder()
        let missing = try #require(throws: BasicsError.self) {
            _ = try JSON(file: folder.file("a.json"))
        }
        #expect(missing.code == .missing)
        try writeFile(Array("{".utf8), to: folder.file("b.json"))
        let broken = try #require(throws: BasicsError.self) {
            _ = try JSON(file: folder.file("b.json"))
        }
        #expect(broken.description.contains(folder.file("b.json")))
        try writeFile([], to: folder.file("c.json"))
        #expect(throws: BasicsError.self) { try JSON(file: folder.file("c.json")) }
    }
}

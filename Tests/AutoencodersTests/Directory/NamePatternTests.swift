import Testing

@testable import Autoencoders

struct NamePatternTests {
    @Test(
        "Names match as a whole, with the sets of Python",
        arguments: [
            ("a|ab", "ab", true), ("a", "ab", false), ("b", "ab", false), ("ab", "ab", true),
            ("a.*?", "abc", true), ("[]x]a", "]a", true), ("[^]]a", "ba", true),
            ("[^]]a", "]a", false), ("[[a]b", "[b", true), ("[a&&b]", "&", true),
            ("[a&&b]", "a", true), ("[~~]", "~", true), ("[--/]", ".", true),
            (#"[\]]\["#, "][", true), (#"layer_\d+/x"#, "layer_12/x", true),
            (#"(?P<n>\d)_(?P=n)"#, "7_7", true), (#"(?P<n>\d)_(?P=n)"#, "7_8", false),
            ("(?i)AB", "ab", true), ("", "", true), ("", "a", false),
        ])
    func matches(pattern: String, name: String, expected: Bool) throws {
        #expect(try NamePattern(pattern).matches(name) == expected)
    }

    @Test(
        "What is no expression, or one that is not supported, is refused with its reason",
        arguments: ["(", "[a", "*a", "a**", "(?<=a)b", "(?P<n>a)(?(n)b|c)", "(?u)a", #"\1"#])
    func refused(pattern: String) throws {
        let error = try #require(
            #expect(throws: AutoencoderError.self) { try NamePattern(pattern) })
        #expect(error.code == .malformed && error.message.contains("`\(pattern)`"), "\(error)")
    }
}

import Testing

/// The rules for code, on made-up sources.
struct CodeRulesTests {
    /// A file of one line.
    private static func file(_ text: String) -> SwiftFile {
        SwiftFile(SourceFile(path: "Sources/A/B.swift", target: "A", text: text))
    }

    @Test(
        "Unwrapping and casting by force is found",
        arguments: [
            "let a = b!", "f(x: b!)", "return keys[$0]!.count", "a = f()!", "let c = a! + b",
            "if b! == c {}", "a!.b = 1", "let t = \"\\(name!)\"", "let a = b?.c!",
            "let a: Int = b!",
            "for x in list! {}", "let a = b as! C", "let a = try! b()",
        ])
    func forced(_ text: String) {
        #expect(CodeRules.forcing(in: Self.file(text)).count == 1)
    }

    @Test(
        "Other exclamation marks are left alone",
        arguments: [
            "if !a {}", "if a != b {}", "f(!a, !b)", "let a = !b", "// a!",
            "/* a! /* b! */ c! */", "let a = \"b!\"", "let a = #\"b\" c!\"#",
            "let a = \"\"\"\n  b! \"c\"!\n  \"\"\"", "var a: Int!", "private let a: [Int: B.C]!",
            "func f() -> UnsafePointer<Int>!", "func f(a: OpaquePointer!) {}", "a ?? !b",
            "let a = #/b!/#",
        ])
    func notForced(_ text: String) {
        #expect(CodeRules.forcing(in: Self.file(text)) == [])
    }

    @Test("What is forced is named with file and line")
    func isNamed() {
        let text = "// a\nlet a = 1\n\"\"\"\nb\n\"\"\"\nlet c = d[0]!\nlet e = f as! G\n"
        #expect(
            CodeRules.forcing(in: Self.file(text)) == [
                "Sources/A/B.swift:6: ]!", "Sources/A/B.swift:7: as!",
            ])
    }
}

/// The rule for documentation, on made-up sources.
struct PublicCommentTests {
    /// What is missing in some files.
    private static func missing(_ texts: String...) -> [String] {
        Documentation(
            files: texts.enumerated().map {
                SwiftFile(
                    SourceFile(path: "Sources/A/\($0.offset).swift", target: "A", text: $0.element))
            }
        ).missing.map { String($0.drop { $0 != " " }.dropFirst()) }
    }

    @Test("Public declarations without a comment are named, others are not")
    func levels() {
        let text = """
            public struct A {
                public let b: Int
                let c = { (d: Int) in d }
                package var e: Int { b }
                /// Documented.
                @inlinable public static func f() { func g() {} }
                // Not documented.
                public init(a: Int, _ b: [Int: Int] = [:], c: (Int, Int) -> Void) {}
                public private(set) var h = 1
                private(set) public var i = 1
                public struct J { public subscript(_ k: Int) -> Int { 1 } }
            }
            struct L { public var m = 1 }
            public extension N { func o() {} }
            extension P { public static func + (a: P, b: P) -> P { a } }
            """
        #expect(
            Self.missing(text) == [
                "struct A", "let A.b", "init A.init(a:_:c:)", "var A.h", "var A.i", "struct A.J",
                "subscript A.J.subscript", "func N.o", "func P.+",
            ])
    }

    @Test("What a protocol demands is documented there, in whatever file it stands")
    func witnesses() {
        let demands = """
            /// Documented.
            public protocol A {
                /// Documented.
                var b: Int { get }
                func c()
                associatedtype D
            }
            /// Documented.
            public protocol E: A {}
            """
        let witnesses = """
            /// Documented.
            public struct F: E, Codable {
                public typealias D = Int
                public var b: Int { 1 }
                public var g: Int { 1 }
                public init(from decoder: any Decoder) {}
                public init(of decoder: any Decoder) {}
            }
            extension F: CustomStringConvertible { public var description: String { "" } }
            """
        #expect(
            Self.missing(demands, witnesses) == [
                "func A.c", "associatedtype A.D", "var F.g", "init F.init(of:)",
            ])
    }

    @Test("Cases belong to the comment of their type; conditions and imports are no declarations")
    func cases() {
        let text = """
            import struct B.C
            #if os(Linux)
                /// Documented.
                public enum D: String { case e = "f", g }
            #endif
            /** Documented. */
            public func h() -> Bool { if case .e = i { true } else { false } }
            """
        #expect(Self.missing(text) == [])
    }
}

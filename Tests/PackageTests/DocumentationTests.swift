import Foundation
import Testing

/// The catalogue, the README and the contributor's page.
struct DocumentationTests {
    /// Where the catalogue is.
    private static let catalogue = "Sources/SAEval/SAEval.docc"

    /// The pages of the catalogue by name.
    private static func pages() throws -> [String: Citations] {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: "\(packageFolder)/\(catalogue)")
        return Dictionary(
            uniqueKeysWithValues: try names.filter { $0.hasSuffix(".md") }.map {
                (String($0.dropLast(3)), try citations(of: "\(catalogue)/\($0)"))
            })
    }

    /// What a page cites.
    private static func citations(of page: String) throws -> Citations {
        Citations(
            page: page,
            text: try String(contentsOfFile: "\(packageFolder)/\(page)", encoding: .utf8))
    }

    @Test("Every file that a page names exists, and so does every page that it links to")
    func files() throws {
        let pages = try Self.pages()
        #expect(pages.count > 10)
        let others = try ["README.md", ".github/CONTRIBUTING.md"].map(Self.citations)
        let missing = (pages.values + others).flatMap { page in
            page.missing(pages: Set(pages.keys)) {
                FileManager.default.fileExists(atPath: "\(packageFolder)/\($0)")
            }
        }
        #expect(missing.sorted() == [])
    }

    @Test("Every page is in the table of contents, and the README or it leads there")
    func contents() throws {
        let pages = try Self.pages()
        let listed = Set(try #require(pages["SAEval"]).pages)
        #expect(Set(pages.keys).subtracting(["SAEval"]).subtracting(listed) == [])
        let readme = try Self.citations(of: "README.md").links
        for page in pages.keys where page != "SAEval" {
            #expect(readme.contains("\(Self.catalogue)/\(page).md"), "README.md: \(page)")
        }
    }

    @Test("The page on design has every target in its row")
    func targets() throws {
        let text = try #require(try Self.pages()["Design"]).text
        let lines = text.matches(of: /\n\| ([0-9]) \| ([^|]*) \|/)
        #expect(lines.count == designRows.count)
        var listed: [Int: Set<String>] = [:]
        for line in lines {
            let row = try #require(Int(line.output.1))
            listed[row] = Set(
                line.output.2.matches(of: /`([A-Za-z]+)`/).map { String($0.output.1) })
            #expect(listed[row]?.isSubset(of: designRows[row]) == true, "row \(row)")
        }
        let package = PackageDescription(
            text: try String(contentsOfFile: "\(packageFolder)/Package.swift", encoding: .utf8))
        let missing = package.targets.filter { target in
            guard let row = target.row, row > 0 else { return false }
            return !(listed[row]?.contains(target.name) ?? false)
                && FileManager.default.fileExists(atPath: "\(packageFolder)/Sources/\(target.name)")
        }
        #expect(missing == [])
    }

    @Test("Every page that a comment names exists")
    func comments() throws {
        let files = try sourceFiles(["swift", "c", "h", "cu"])
        let cited = files.flatMap { file in
            file.text.matches(of: /`(Sources\/[^`]*\.md)`/).map { (file.path, String($0.output.1)) }
        }
        #expect(cited.count > 1)
        for (path, page) in cited {
            #expect(
                FileManager.default.fileExists(atPath: "\(packageFolder)/\(page)"),
                "\(path): \(page)")
        }
    }

    @Test("What is cited and is not there is found")
    func found() {
        let page = Citations(
            page: "a/b/Page.md",
            text: """
                See `Sources/A.swift`, `Sources/B.swift`, `Sources/Evals/NAME/`, `x/y`, [c](../C.md),
                [d](D.md#part), [e](https://example.org), [f](doc:F#g), <doc:H>.
                """)
        let missing = page.missing(pages: ["F"]) { $0 == "Sources/A.swift" || $0 == "a/C.md" }
        #expect(
            missing == [
                "a/b/Page.md: Sources/B.swift", "a/b/Page.md: a/b/D.md", "a/b/Page.md: doc:H",
            ])
    }
}

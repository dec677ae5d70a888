import Foundation

/// What a page says of other files: paths in code voice, and links.
struct Citations {
    /// The page, from the package's folder.
    let page: String
    /// What it says.
    let text: String

    /// Folders at the top level whose files pages name by their paths.
    static let roots = ["Sources/", "Tests/", "configs/", "slurm/", ".ci/", ".github/"]

    /// Paths in code voice, such as `Sources/Evals/Catalogue.swift`; patterns and names to fill in,
    /// in capital letters, are none.
    var paths: [String] {
        text.matches(of: /`([A-Za-z.]+\/[^`\s*…]*)`/).map { String($0.output.1) }
            .filter { path in
                Self.roots.contains { path.hasPrefix($0) }
                    && !path.split(separator: "/").contains {
                        $0.hasPrefix("NAME") || $0.hasPrefix("TOPIC")
                    }
            }
    }

    /// Targets of links to files, relative to the page.
    var links: [String] {
        text.matches(of: /\]\(([^)\s#:]+)(#[^)]*)?\)/).map { String($0.output.1) }
    }

    /// Names of pages that links of the catalogue name.
    var pages: [String] {
        text.matches(of: /doc:([A-Za-z]+)/).map { String($0.output.1) }
    }

    /// What it cites that does not exist, as `page: path`.
    ///
    /// - Parameters:
    ///   - pages: the pages of the catalogue.
    ///   - exists: whether there is a file or folder, by its path from the package's folder.
    func missing(pages known: Set<String>, exists: (String) -> Bool) -> [String] {
        let folder = page.split(separator: "/").dropLast()
        let linked = links.map { link in
            link.split(separator: "/").reduce(into: folder[...]) { path, part in
                if part == ".." { path = path.dropLast() } else { path.append(part) }
            }.joined(separator: "/")
        }
        return (paths + linked).filter { !exists($0) }.map { "\(page): \($0)" }
            + pages.filter { !known.contains($0) }.map { "\(page): doc:\($0)" }
    }
}

import Basics
import Testing

@testable import Corpora

struct LongTableTests {
    @Test("Rows that cross the pieces of a file are whole", arguments: ["t.jsonl", "t.csv"])
    func crossing(name: String) throws {
        // A little more than one piece of 16 MiB, in rows of 60,000 bytes with a newline inside.
        let filler = String(repeating: "x", count: 60_000)
        var text = name == "t.csv" ? "y,a\n" : ""
        for index in 0..<300 {
            text +=
                name == "t.csv"
                ? "\(index % 3),\"\(index)\n\(filler)\"\n"
                : "{\"y\": \(index % 3), \"a\": \"\(index)\\n\(filler)\"}\n"
        }
        let folder = try TemporaryFolder()
        let table = try TableFile(path: folder.write(text, to: name))
        let labels = try TextFamily.labels([("y", .integer)], of: table)[0]
        #expect(labels.rows(with: .integer(2)) == Array(stride(from: 2, to: 300, by: 3)))
        var found = 0
        try table.forEachRow(["a"]) { row in
            let cell = try row.cells[0].text(source: "test") ?? []
            #expect(cell == Array("\(row.index)\n\(filler)".utf8))
            found += 1
            return true
        }
        #expect(found == 300)
    }

    @Test(
        "Rows that are not wanted are not parsed, and reading stops when told", arguments: [0, 1])
    func wanted(place: Int) throws {
        let folder = try TemporaryFolder()
        let names = ["t.jsonl", "t.csv"]
        let texts = [
            "{\"a\": \"0\"}\n{broken\n{\"a\": \"2\"}\n{broken\n", "a\n0\nx,y\n2\n\"broken\"x\n",
        ]
        let table = try TableFile(path: folder.write(texts[place], to: names[place]))
        var found: [[UInt8]?] = []
        func isEven(_ row: Int) -> Bool { row % 2 == 0 }
        try table.forEachRow(["a"], wanted: isEven) { row in
            found.append(try row.cells[0].text(source: "test"))
            return found.count < 2
        }
        #expect(found == [[0x30], [0x32]])
    }
}

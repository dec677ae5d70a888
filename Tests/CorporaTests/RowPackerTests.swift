import Basics
import Testing

@testable import Corpora

/// All full rows of some documents.
private func rows(
    _ documents: [[Int32]], positions: Int, rowStart: Int32?, separator: Int32?
) -> [[Int32]] {
    var packer = RowPacker(positions: positions, rowStart: rowStart, separator: separator)
    var rows: [[Int32]] = []
    for document in documents {
        _ = packer.add(document) { row in
            rows.append(row)
            return true
        }
    }
    return rows
}

struct RowPackerTests {
    /// What SAELens made of some documents.
    struct Case: Sendable, CustomTestStringConvertible {
        var positions: Int
        var rowStart: Int32?
        var separator: Int32?
        var documents: [[Int32]]
        var rows: [[Int32]]

        var testDescription: String {
            "\(documents) in rows of \(positions), marks \(rowStart ?? -1) and \(separator ?? -1)"
        }

        init(_ json: JSON) {
            let token = { (json: JSON?) in json?.integer.map { Int32($0) } }
            let lists = { (json: JSON?) in
                (json?.elements ?? []).map { ($0.elements ?? []).compactMap { token($0) } }
            }
            positions = json["context_size"]?.integer ?? 0
            (rowStart, separator) = (token(json["row_start"]), token(json["separator"]))
            (documents, rows) = (lists(json["documents"]), lists(json["rows"]))
        }
    }

    static let upstream = ((try? JSON(file: "\(fixtures)/rows.json"))?.elements ?? []).map {
        Case($0)
    }

    @Test("The fixture of SAELens is there")
    func fixture() { #expect(Self.upstream.count == 150) }

    @Test("Rows are those of SAELens", arguments: upstream)
    func sameAsUpstream(_ entry: Case) {
        let made = rows(
            entry.documents, positions: entry.positions, rowStart: entry.rowStart,
            separator: entry.separator)
        #expect(made == entry.rows)
    }

    @Test("A separator stands between documents and may fill the last place")
    func separatorAtTheEnd() {
        let made = rows([[5, 6], [7, 8, 9], [4]], positions: 4, rowStart: 1, separator: 1)
        #expect(made == [[1, 5, 6, 1], [1, 7, 8, 9]])
    }

    @Test("A document that starts with BOS gets neither row start nor separator")
    func startsWithBOS() {
        let made = rows([[1, 5], [1, 6], [7, 8]], positions: 4, rowStart: 1, separator: 1)
        #expect(made == [[1, 5, 1, 6]])
        let next = rows([[1, 5, 2], [1, 6, 7, 8]], positions: 4, rowStart: 1, separator: 1)
        #expect(next == [[1, 5, 2, 1], [1, 6, 7, 8]])
    }

    @Test("A long document goes on behind the BOS of the next rows")
    func longDocument() {
        let made = rows([Array(10...19)], positions: 4, rowStart: 1, separator: 1)
        #expect(made == [[1, 10, 11, 12], [1, 13, 14, 15], [1, 16, 17, 18]])
    }

    @Test("Without BOS rows begin with text, and documents touch when there is no separator")
    func withoutBOS() {
        let documents: [[Int32]] = [[5, 6, 7], [8, 9], [4, 3]]
        #expect(
            rows(documents, positions: 3, rowStart: nil, separator: 1) == [[5, 6, 7], [8, 9, 1]])
        #expect(
            rows(documents, positions: 3, rowStart: nil, separator: nil) == [
                [5, 6, 7], [8, 9, 4],
            ])
    }

    @Test("Empty documents leave no trace")
    func emptyDocuments() {
        let made = rows([[], [5], [], [], [6], []], positions: 4, rowStart: 1, separator: 1)
        #expect(made == [[1, 5, 1, 6]])
    }

    @Test("Packing stops at once when it is told to, and forgets what it held")
    func stopping() {
        var packer = RowPacker(positions: 2, rowStart: 1, separator: 1)
        var made: [[Int32]] = []
        let goesOn = packer.add(Array(10...19)) { row in
            made.append(row)
            return made.count < 2
        }
        #expect(!goesOn)
        #expect(made == [[1, 10], [1, 11]])
        var other = RowPacker(positions: 3, rowStart: 1, separator: 1)
        _ = other.add([5]) { _ in true }
        other.reset()
        _ = other.add([6, 7]) { row in
            made.append(row)
            return true
        }
        #expect(made.last == [1, 6, 7])
    }
}

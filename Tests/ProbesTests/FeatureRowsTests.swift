import Probes
import Testing

struct FeatureRowsTests {
    @Test("Dense rows begin at multiples of their width")
    func dense() {
        let rows = FeatureRows(dense: [1, 2, 3, 4, 5, 6], columns: 3)
        #expect(rows.count == 2)
        #expect(rows.starts == [0, 3, 6])
    }
}

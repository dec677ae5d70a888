import Tensors

/// The sizes that one step of the walk uses.
package struct WalkShape: Sendable, CustomStringConvertible {
    package var rows: Int
    package var inner: Int
    package var outer: Int
    package var type: ElementType

    package init(rows: Int, inner: Int, outer: Int, type: ElementType) {
        (self.rows, self.inner, self.outer, self.type) = (rows, inner, outer, type)
    }

    package var description: String { "\(rows)x\(inner)x\(outer) \(type.rawValue)" }

    /// The types that weights may have.
    private static let weightTypes: [ElementType] = [.float32, .bfloat16, .float16]

    /// Awkward sizes with every weight type.
    package static let all: [WalkShape] = {
        let sizes = [
            (0, 5, 7), (1, 1, 1), (1, 37, 53), (7, 16, 48), (2, 300, 1001), (255, 9, 25),
            (256, 24, 8),
            (257, 11, 17), (513, 3, 49), (1025, 2, 3), (5, 0, 3),
        ]
        return sizes.flatMap { size in
            weightTypes.map {
                WalkShape(rows: size.0, inner: size.1, outer: size.2, type: $0)
            }
        }
    }()
}

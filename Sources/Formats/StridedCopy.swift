/// Elements at regular distances in memory.
struct StridedLayout: Sendable, Equatable {
    /// The lengths of the axes, outermost first.
    var shape: [Int]
    /// The distances between neighbours along each axis, in elements, from 0 up.
    var strides: [Int]

    /// The layout whose first axis varies fastest.
    static func columnMajor(_ shape: [Int]) -> Self {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropFirst() {
            strides[axis] = strides[axis - 1] * shape[axis - 1]
        }
        return Self(shape: shape, strides: strides)
    }

    /// Whether the elements are in row-major order without gaps.
    var isRowMajor: Bool {
        var expected = 1
        for axis in shape.indices.reversed() where shape[axis] != 1 {
            guard strides[axis] == expected else { return shape.contains(0) }
            expected *= shape[axis]
        }
        return true
    }

    /// The number of elements from the first to behind the last; nil when it overflows.
    var span: Int? {
        guard !shape.contains(0) else { return 0 }
        var last = 0
        for (length, stride) in zip(shape, strides) {
            let (reach, overflow) = (length - 1).multipliedReportingOverflow(by: stride)
            let (next, carry) = last.addingReportingOverflow(reach)
            guard !overflow, !carry else { return nil }
            last = next
        }
        return last == Int.max ? nil : last + 1
    }

    /// Copies elements into row-major order.
    ///
    /// - Parameter elementByteCount: 1, 2, 4 or 8.
    /// - Cost: reads and writes each line of memory once, in tiles where rows are not contiguous.
    func copy(
        from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, elementByteCount: Int
    ) {
        guard !shape.contains(0) else { return }
        switch elementByteCount {
        case 1: copy(from: source, to: target, as: UInt8.self)
        case 2: copy(from: source, to: target, as: UInt16.self)
        case 4: copy(from: source, to: target, as: UInt32.self)
        default: copy(from: source, to: target, as: UInt64.self)
        }
    }

    /// Copies elements of one width, plane by plane.
    ///
    /// A plane has the last axis and the axis along which the source is densest.
    private func copy<Element: FixedWidthInteger>(
        from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, as: Element.Type
    ) {
        let size = MemoryLayout<Element>.size
        let axes = shape.indices.filter { shape[$0] > 1 }
        guard let last = axes.last else {
            target.copyMemory(from: source, byteCount: size)
            return
        }
        let others = axes.dropLast()
        let dense = others.min { (strides[$0], -$0) < (strides[$1], -$1) }
        let targetStrides = Self.rowMajorStrides(shape)
        let plane = Plane(
            rows: dense.map { shape[$0] } ?? 1, columns: shape[last],
            rowStride: dense.map { strides[$0] } ?? 0, columnStride: strides[last],
            targetRowStride: dense.map { targetStrides[$0] } ?? 0)
        let outer = others.filter { $0 != dense }
        var index = [Int](repeating: 0, count: outer.count)
        while true {
            var (from, to) = (0, 0)
            for (depth, axis) in outer.enumerated() {
                from += index[depth] * strides[axis]
                to += index[depth] * targetStrides[axis]
            }
            plane.copy(from: source + from * size, to: target + to * size, as: Element.self)
            var depth = outer.count - 1
            while depth >= 0 {
                index[depth] += 1
                if index[depth] < shape[outer[depth]] { break }
                index[depth] = 0
                depth -= 1
            }
            if depth < 0 { return }
        }
    }

    /// The distances between neighbours in row-major order.
    private static func rowMajorStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        return strides
    }
}

/// Two axes of a strided copy; the columns are contiguous in the target.
private struct Plane {
    /// The lengths of the two axes.
    let rows, columns: Int
    /// Distances in the source, in elements.
    let rowStride, columnStride: Int
    /// The distance between rows in the target, in elements.
    let targetRowStride: Int

    /// Rows and columns of a tile: 16 KiB of `float32`, of which 256 bytes are contiguous on either
    /// side, so that a page is not left at once.
    private static let tile = 64

    /// Copies the plane.
    func copy<Element: FixedWidthInteger>(
        from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, as: Element.Type
    ) {
        let size = MemoryLayout<Element>.size
        if columnStride == 1 {
            for row in 0..<rows {
                (target + row * targetRowStride * size).copyMemory(
                    from: source + row * rowStride * size, byteCount: columns * size)
            }
            return
        }
        let tile = Self.tile
        withUnsafeTemporaryAllocation(of: Element.self, capacity: tile * tile) { room in
            guard let room = room.baseAddress else { return }
            for column in stride(from: 0, to: columns, by: tile) {
                for row in stride(from: 0, to: rows, by: tile) {
                    copyTile(
                        from: source + (row * rowStride + column * columnStride) * size,
                        to: target + (row * targetRowStride + column) * size, through: room,
                        rows: min(tile, rows - row),
                        columns: min(tile, columns - column))
                }
            }
        }
    }

    /// Copies a tile through memory of its own.
    ///
    /// A line of the source is used up as soon as it is read. Its neighbours in a tile are a power
    /// of two apart as a rule, so the cache would not hold them together.
    @inline(__always)
    private func copyTile<Element: FixedWidthInteger>(
        from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer,
        through room: UnsafeMutablePointer<Element>, rows: Int, columns: Int
    ) {
        let (size, tile) = (MemoryLayout<Element>.size, Self.tile)
        let (rowStep, columnStep) = (rowStride * size, columnStride * size)
        for column in 0..<columns {
            var from = source + column * columnStep
            var to = room + column
            for _ in 0..<rows {
                to.pointee = from.loadUnaligned(as: Element.self)
                from += rowStep
                to += tile
            }
        }
        var (from, to) = (UnsafeRawPointer(room), target)
        for _ in 0..<rows {
            to.copyMemory(from: from, byteCount: columns * size)
            from += tile * size
            to += targetRowStride * size
        }
    }
}

/// Turns the bytes of each element around, in place.
///
/// - Parameter elementByteCount: 1, 2, 4 or 8.
func swapBytes(
    of elements: UnsafeMutableRawPointer, count: Int, elementByteCount: Int
) {
    func swap<Element: FixedWidthInteger>(_: Element.Type) {
        for index in 0..<count {
            let offset = index * MemoryLayout<Element>.size
            let element = elements.loadUnaligned(fromByteOffset: offset, as: Element.self)
            elements.storeBytes(of: element.byteSwapped, toByteOffset: offset, as: Element.self)
        }
    }
    switch elementByteCount {
    case 2: swap(UInt16.self)
    case 4: swap(UInt32.self)
    case 8: swap(UInt64.self)
    default: break
    }
}

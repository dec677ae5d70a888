import Basics
import Testing

@testable import Kernels

/// Repeatable numbers from -1 to 1.
private func numbers(_ count: Int, seed: UInt64) -> [Double] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 52) - 1
    }
}

/// `XᵀX` by its definition, both triangles.
private func product(of rows: [Double], count: Int, columns: Int) -> [Double] {
    var matrix = [Double](repeating: 0, count: columns * columns)
    for i in 0..<count {
        for j in 0..<columns {
            for l in 0..<columns {
                matrix[j * columns + l] += rows[i * columns + j] * rows[i * columns + l]
            }
        }
    }
    return matrix
}

@Suite("Linear algebra in double precision")
struct LinearAlgebraTests {
    @Test("A factor times its transpose is the matrix", arguments: [0, 1, 2, 17, 64, 129])
    func factor(size: Int) throws {
        let rows = numbers((size + 3) * size, seed: 1)
        var matrix = product(of: rows, count: size + 3, columns: size)
        for j in 0..<size { matrix[j * size + j] += 1 }
        let factor = try #require(CholeskyFactor(matrix, size: size))
        let x = numbers(size, seed: 2)
        // L⁻¹ (A x) is Lᵀ x.
        let product = (0..<size).map { j in
            (0..<size).reduce(0) { $0 + matrix[j * size + $1] * x[$1] }
        }
        var (left, right) = (product, x)
        factor.solveLower(&left)
        factor.multiplyUpper(&right)
        let largest = right.map(abs).max() ?? 0
        for (a, b) in zip(left, right) { #expect(abs(a - b) <= 1e-11 * largest) }
        factor.solveUpper(&left)
        for (a, b) in zip(left, x) { #expect(abs(a - b) <= 1e-11) }
    }

    @Test("What stands above the diagonal is not read")
    func lowerTriangle() throws {
        let factor = try #require(CholeskyFactor([4, .nan, 2, 5], size: 2))
        var x = [2.0, 3]
        factor.solveLower(&x)  // L = [[2, 0], [1, 2]]
        #expect(x == [1, 1])
    }

    @Test(
        "A matrix that is not positive definite has no factor",
        arguments: [
            [0, 0, 0, 1], [1, 0, 1, 1], [1, 0, 2, 1], [1, 0, 0, -1], [.nan, 0, 0, 1],
            [1, 0, .nan, 1], [1, 0, 0, .infinity], [1, 0, .infinity, 1],
        ] as [[Double]])
    func refused(matrix: [Double]) {
        #expect(CholeskyFactor(matrix, size: 2) == nil)
    }

    @Test(
        "Products of columns are added to the lower triangle alone",
        arguments: [(0, 3), (1, 1), (7, 2), (300, 33)])
    func gramMatrix(count: Int, columns: Int) {
        let rows = numbers(count * columns, seed: 3)
        let expected = product(of: rows, count: count, columns: columns)
        var matrix = [Double](repeating: 5, count: columns * columns)
        addGramMatrix(of: rows, count: count, columns: columns, factor: 0.5, to: &matrix)
        for j in 0..<columns {
            for l in 0..<columns {
                let value = l <= j ? 5 + 0.5 * expected[j * columns + l] : 5
                #expect(abs(matrix[j * columns + l] - value) <= 1e-12 * Double(count + 1))
            }
        }
    }

    @Test("The same numbers give the same bits at any address and beside any thread")
    func sameBits() throws {
        let (count, columns) = (300, 65)
        let rows = numbers(count * columns, seed: 4)
        /// A product, its factor and a solution, from memory that begins `shift` numbers late.
        @Sendable func outcome(_ shift: Int) throws -> [Double] {
            let shifted = [Double](repeating: 0, count: shift) + rows
            var matrix = [Double](repeating: 0, count: columns * columns)
            shifted.withUnsafeBufferPointer { shifted in
                guard let base = shifted.baseAddress else { return }
                addGramMatrix(
                    of: base + shift, count: count, columns: columns, factor: 1, to: &matrix)
            }
            let factor = try #require(CholeskyFactor(matrix, size: columns))
            var x = Array(rows.prefix(columns))
            factor.multiplyUpper(&x)
            factor.solveLower(&x)
            factor.solveUpper(&x)
            return matrix + x
        }
        let expected = try outcome(0).map(\.bitPattern)
        let outcomes = try concurrentMap(64, threads: 8) { try outcome($0 % 8) }
        for outcome in outcomes { #expect(outcome.map(\.bitPattern) == expected) }
    }
}

import Glibc
import Tensors

extension ReferenceBackend {
    /// `max + log Σ exp(logit - max)` in `Double`.
    public func logSumExp(_ logits: Tensor) throws -> [Double] {
        try Checks.floats(logits, "logits")
        let width = logits.columns
        return (0..<logits.rows).map { row in
            let values = logits.floats + row * width
            var largest = -Double.infinity
            for column in 0..<width {
                let value = Double(values[column])
                if value > largest || value.isNaN { largest = value }
                if value.isNaN { break }
            }
            guard largest.isFinite else { return largest }
            var sum = 0.0
            for column in 0..<width { sum += exp(Double(values[column]) - largest) }
            return largest + log(sum)
        }
    }

    /// `Σ exp(log p) (log p - log q)` in `Double`; a p of 0 contributes nothing.
    public func divergence(
        clean: Tensor, cleanLogSumExp: [Double], changed: Tensor, changedLogSumExp: [Double]
    ) throws -> [Double] {
        try Checks.divergence(clean, cleanLogSumExp, changed, changedLogSumExp)
        let width = clean.columns
        return (0..<clean.rows).map { row in
            let other = changed.rows == 1 ? 0 : row
            let (first, second) = (clean.floats + row * width, changed.floats + other * width)
            var sum = 0.0
            for column in 0..<width {
                let logP = Double(first[column]) - cleanLogSumExp[row]
                let logQ = Double(second[column]) - changedLogSumExp[other]
                let p = exp(logP)
                if p != 0 { sum += p * (logP - logQ) }
            }
            return sum
        }
    }
}

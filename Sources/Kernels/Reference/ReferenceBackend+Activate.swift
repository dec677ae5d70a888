import Glibc
import Tensors

extension ReferenceBackend {
    /// One activation function on each element.
    public func activate(_ x: Tensor, _ function: ActivationFunction) throws {
        try Checks.floats(x, "input of an activation function")
        let values = x.floats
        for index in 0..<x.count { values[index] = Float(function.exact(Double(values[index]))) }
    }

    /// One activation function on each element of the gate, times the other branch.
    public func gate(_ gate: Tensor, up: Tensor, _ function: ActivationFunction) throws {
        try Checks.same(gate, up, "gate and up branch")
        let (values, other) = (gate.floats, up.floats)
        for index in 0..<gate.count {
            values[index] = Float(function.exact(Double(values[index])) * Double(other[index]))
        }
    }

    /// Adds element by element.
    public func add(_ x: Tensor, _ y: Tensor) throws {
        try Checks.same(x, y, "summands")
        let (values, other) = (x.floats, y.floats)
        for index in 0..<x.count { values[index] += other[index] }
    }

    /// Caps element by element.
    public func softCap(_ x: Tensor, cap: Float) throws {
        try Checks.floats(x, "input of soft cap")
        let values = x.floats
        for index in 0..<x.count {
            values[index] = Float(Double(cap) * tanh(Double(values[index]) / Double(cap)))
        }
    }
}

extension ActivationFunction {
    /// The function in `Double`; a NaN stays one.
    func exact(_ x: Double) -> Double {
        switch self {
        case .relu: x < 0 ? 0 : x
        case .gelu: 0.5 * x * erfc(-x * 0.5.squareRoot())
        case .geluTanh:
            0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .silu: x / (1 + exp(-x))
        }
    }
}

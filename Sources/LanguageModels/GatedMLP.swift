import Kernels
import Tensors

/// The MLP of Llama and its relatives: `down(f(gate(x)) · up(x))`.
struct GatedMLP: Sendable {
    /// Into the MLP, before the activation function: `[inner, model]`.
    let gate: LinearWeights
    /// Into the MLP: `[inner, model]`.
    let up: LinearWeights
    /// Out of the MLP: `[model, inner]`.
    let down: LinearWeights
    /// `f`.
    let activation: ActivationFunction
}

extension KernelBackend {
    /// Runs the MLP.
    ///
    /// - Shapes: `x` and the result are `[batch · positions, model]`; `x` is not written.
    /// - Cost: `6 · tokens · model · inner` FLOP.
    func run(_ mlp: GatedMLP, on x: Tensor) throws -> Tensor {
        let inner = try linear(x, mlp.gate)  // [batch · positions, inner]
        try gate(inner, up: linear(x, mlp.up), mlp.activation)
        return try linear(inner, mlp.down)
    }
}

extension ModelWeights {
    /// The three maps of the MLP under their names in Llama and its relatives.
    func gatedMLP(
        _ name: String, _ settings: GatedSettings
    ) throws(LanguageModelError) -> GatedMLP {
        let (size, inner) = (settings.modelSize, settings.innerSize)
        let hasBias = settings.biases.contains(.mlp)
        return GatedMLP(
            gate: try linear("\(name).gate_proj", inputs: size, outputs: inner, hasBias: hasBias),
            up: try linear("\(name).up_proj", inputs: size, outputs: inner, hasBias: hasBias),
            down: try linear("\(name).down_proj", inputs: inner, outputs: size, hasBias: hasBias),
            activation: settings.activation)
    }
}

import Kernels
import Tensors

extension Autoencoder {
    /// The name in messages.
    private var name: String { "\(description.release)/\(description.id)" }

    /// Checks that activations are what the encoder takes.
    func check(_ x: Tensor) throws(AutoencoderError) {
        guard x.shape.count == 2, x.shape[1] == description.modelSize, x.type == .float32 else {
            throw AutoencoderError(
                .shape,
                "\(name) takes float32 [tokens, \(description.modelSize)], "
                    + "not \(x.type) of shape \(x.shape)",
                advice: "run it on the model and hook it was made for, \(description.hookName)")
        }
    }

    /// Checks that codes belong to this autoencoder and to the activations.
    func check(_ codes: SparseCodes, of x: Tensor) throws(AutoencoderError) {
        try check(x)
        guard codes.latents == description.latents, codes.rows == x.rows else {
            throw AutoencoderError(
                .shape,
                "\(name) was given \(codes.rows) rows of \(codes.latents) latents to decode, "
                    + "expected \(x.rows) rows of \(description.latents)",
                advice: "decode what this autoencoder encoded, with the same activations")
        }
    }
}

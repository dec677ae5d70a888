import Autoencoders
import Kernels
import LanguageModels
import Tensors

extension LatentEdit {
    /// What applies the edit in a pass, at the autoencoder's hook.
    ///
    /// What the edit adds is the difference of two decodings of the edited latents alone, so that
    /// factors of rows and normalisations of activations need no rules of their own. Rows in which
    /// no latent changes keep their bits.
    ///
    /// - Shapes: activations are `[batch · positions, model]`.
    /// - Cost: encoding the latents that the edit reads, where they can be encoded alone, else all;
    ///   `4 · model` FLOP for each edited latent of a token.
    /// - Throws: ``EvaluationError`` for a latent that the autoencoder does not have, and for an
    ///   autoencoder that reconstructs another hook than it reads.
    public func intervention(
        by autoencoder: any Autoencoder, on backend: any KernelBackend
    ) throws(EvaluationError) -> Intervention {
        let description = autoencoder.description
        if let latent = readLatents.first(where: { !(0..<description.latents).contains($0) }) {
            throw EvaluationError(
                .unsuitable,
                "An edit names latent \(latent), but \(description.id) has \(description.latents)",
                advice: "name latents from 0 to \(description.latents - 1)")
        }
        if let output = description.outputHookName {
            throw EvaluationError(
                .unsuitable,
                "\(description.id) reads \(description.hookName) and writes \(output), so an edit "
                    + "of its latents does not change what it reads",
                advice: "edit latents of autoencoders that reconstruct what they read")
        }
        guard !latents.isEmpty else { return { $0.values } }
        let selection = LatentSelection(readLatents, of: autoencoder)
        return { activation in
            let x = activation.values
            let codes = try selection.encode(x, on: backend)
            let (old, new) = changed(
                codes, of: selection, latents: description.latents, in: activation)
            guard !old.indices.isEmpty || !new.indices.isEmpty else { return x }
            let (without, with) = (
                try autoencoder.decode(old, of: x, on: backend),
                try autoencoder.decode(new, of: x, on: backend)
            )
            let result = Tensor(uninitialized: x.shape)
            result.floats.update(from: x.constantFloats, count: x.count)
            for row in 0..<x.rows where !old.isEmpty(row) || !new.isEmpty(row) {
                for index in row * x.columns..<(row + 1) * x.columns {
                    result.floats[index] +=
                        with.constantFloats[index] - without.constantFloats[index]
                }
            }
            return result
        }
    }

    /// The latents that change, as they were and as they become.
    private func changed(
        _ codes: SparseCodes, of selection: LatentSelection, latents count: Int,
        in activation: HookedActivation
    ) -> (old: SparseCodes, new: SparseCodes) {
        let edited = Set(latents)
        let deciding = condition?.latent.flatMap { selection.latents.firstIndex(of: $0) }
        var (old, new) = (SparseCodes(latents: count), SparseCodes(latents: count))
        var values = [Float](repeating: 0, count: selection.latents.count)
        for row in 0..<codes.rows {
            let entries = codes.rowStarts[row]..<codes.rowStarts[row + 1]
            for entry in entries { values[Int(codes.indices[entry])] = codes.values[entry] }
            if positions == .all || activation.position(of: row) > 0 {
                for (index, latent) in selection.latents.enumerated() where edited.contains(latent)
                {
                    let value = values[index]
                    let target = self.edited(value, deciding: values[deciding ?? index])
                    guard target != value else { continue }
                    old.append(latent, value)
                    new.append(latent, target)
                }
            }
            for entry in entries { values[Int(codes.indices[entry])] = 0 }
            old.rowStarts.append(old.indices.count)
            new.rowStarts.append(new.indices.count)
        }
        return (old, new)
    }
}

extension SparseCodes {
    /// Whether a row has no latent.
    fileprivate func isEmpty(_ row: Int) -> Bool { rowStarts[row] == rowStarts[row + 1] }

    /// Appends a latent to the last row unless it is 0.
    fileprivate mutating func append(_ latent: Int, _ value: Float) {
        guard value != 0 else { return }
        indices.append(Int32(latent))
        values.append(value)
    }
}

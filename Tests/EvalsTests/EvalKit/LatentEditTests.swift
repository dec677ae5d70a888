import EvalKit
import Foundation
import Kernels
import LanguageModels
import Tensors
import Testing

struct LatentEditTests {
    /// Latents are `relu` of the three numbers of an activation, less `(0.5, 0, 0)`; what it cannot
    /// reconstruct is what is below 0 there.
    private static let autoencoder = ToyAutoencoder(
        encoder: Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1], shape: [3, 3]),
        decoder: Tensor([1, 0, 0, 0, 2, 0, 1, 0, 1], shape: [3, 3]),
        encoderBias: [0, 0, 0], decoderBias: [0.5, 0, 0])

    /// Two rows of two positions; their latents are `(1, 2, 0)`, `(0, 3, 4)`, `(0, 0, 0)` and
    /// `(2, 0, 1)`.
    private static let x = Tensor(
        [1.5, 2, -1, 0.5, 3, 4, -1, -2, -3, 2.5, -1, 1], shape: [4, 3])

    /// What an edit adds to ``x``.
    private func added(_ edit: LatentEdit, on backend: any KernelBackend = ReferenceBackend())
        throws -> [Float]
    {
        let intervention = try edit.intervention(by: Self.autoencoder, on: backend)
        let y = try intervention(HookedActivation(values: Self.x, batch: 2, positions: 2))
        return zip(y.values, Self.x.values).map { $0 - $1 }
    }

    @Test(
        "Each action adds the change of the latents times their decoder rows, the error term kept",
        arguments: [
            (LatentEdit([1], .ablate), [0, -4, 0, 0, -6, 0, 0, 0, 0, 0, 0, 0]),
            (LatentEdit([0, 1], .scale(factor: 0.5)), [-0.5, -2, 0, 0, -3, 0, 0, 0, 0, -1, 0, 0]),
            (LatentEdit([0], .clamp(value: 3)), [2, 0, 0, 3, 0, 0, 3, 0, 0, 1, 0, 0]),
            (LatentEdit([2], .add(coefficient: 10)), [10, 0, 10, 10, 0, 10, 10, 0, 10, 10, 0, 10]),
            // Unlearning: a chosen latent that fires is clamped to a negative multiple, BOS stays.
            (
                LatentEdit(
                    [1, 2], .clamp(value: -5), where: .init(), positions: .allButFirst),
                [0, 0, 0, -9, -16, -9, 0, 0, 0, -6, 0, -6]
            ),
            (LatentEdit([1], .ablate, where: .init(above: 2)), [0, 0, 0, 0, -6, 0] + zeros(6)),
            (
                LatentEdit([1], .add(coefficient: 1), where: .init(latent: 0)),
                [0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]
            ),
        ] as [(LatentEdit, [Float])])
    func worked(edit: LatentEdit, expected: [Float]) throws {
        for backend in backends {
            #expect(try added(edit, on: backend) == expected)
        }
    }

    @Test("Rows in which no latent changes keep their bits", arguments: [0, 1])
    func unchanged(latent: Int) throws {
        let toy = ToyAutoencoder(modelSize: 6, latents: 9, seed: 3)
        var numbers = Numbers(seed: 8)
        let x = numbers.tensor([8, 6])
        let activation = HookedActivation(values: x, batch: 2, positions: 4)
        for edit in [
            LatentEdit([latent], .scale(factor: 1)), LatentEdit([latent], .add(coefficient: 0)),
            LatentEdit([latent], .ablate, where: .init(above: 1e6)), LatentEdit([], .ablate),
        ] {
            let same = try edit.intervention(by: toy, on: CPUBackend())(activation)
            #expect(same.values.map(\.bitPattern) == x.values.map(\.bitPattern))
        }
        let before = x.values
        let later = LatentEdit([latent], .add(coefficient: 9), positions: .allButFirst)
        let changed = try later.intervention(by: toy, on: CPUBackend())(activation)
        for row in 0..<8 {
            let isSame = changed.rows(row..<row + 1).values == x.rows(row..<row + 1).values
            #expect(isSame == (row % 4 == 0))
        }
        #expect(x.values == before, "what an intervention gets is not written to")
    }

    @Test("An edit in a pass gives the logits of the edited stream")
    func pass() throws {
        let (model, hook) = (ToyModel(), HookPoint(layer: 0, site: .residPost))
        let toy = ToyAutoencoder(modelSize: 6, latents: 9, seed: 3)
        let tokens: [Int32] = [1, 5, 2, 7]
        let edit = LatentEdit([0, 2, 4], .clamp(value: -2), where: .init())
        let pass = ForwardPass(
            start: .tokens(tokens), end: .logits, batch: 1, positions: 4,
            interventions: [hook: [try edit.intervention(by: toy, on: ReferenceBackend())]])
        let logits = try #require(try model.run(pass).logits).values
        let expected = model.reference(tokens, replacing: hook) { stream in
            stream.map { x in
                var y = x
                for latent in edit.latents {
                    let value = x.indices.reduce(Double(toy.encoderBias[latent])) {
                        $0 + (x[$1] - Double(toy.decoderBias[$1]))
                            * Double(toy.encoder.value(at: $1 * 9 + latent))
                    }
                    guard value > 0 else { continue }
                    for d in y.indices {
                        y[d] += (-2 - value) * Double(toy.decoder.value(at: latent * 6 + d))
                    }
                }
                return y
            }
        }.flatMap { $0 }
        for (logit, number) in zip(logits, expected) {
            #expect(isClose(Double(logit), number, within: 1e-4))
        }
    }

    @Test("An edit survives its way through JSON, and edits that differ have other JSON")
    func coding() throws {
        let edits = [
            LatentEdit([3, 1], .add(coefficient: 240)), LatentEdit([3, 1], .clamp(value: 240)),
            LatentEdit([3, 1], .scale(factor: 240)), LatentEdit([3, 1], .ablate),
            LatentEdit([3, 1], .ablate, where: .init()),
            LatentEdit([3, 1], .ablate, where: .init(latent: 7, above: 0.5)),
            LatentEdit([3, 1], .ablate, positions: .allButFirst),
        ]
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let texts = try edits.map { try encoder.encode($0) }
        #expect(Set(texts).count == edits.count)
        #expect(try texts.map { try JSONDecoder().decode(LatentEdit.self, from: $0) } == edits)
        #expect(
            String(decoding: texts[3], as: UTF8.self)
                == #"{"action":{"ablate":{}},"latents":[3,1],"positions":"all"}"#)
    }

    @Test("A latent that the autoencoder does not have is refused", arguments: [-1, 3])
    func missingLatent(latent: Int) {
        for edit in [
            LatentEdit([latent], .ablate), LatentEdit([0], .ablate, where: .init(latent: latent)),
        ] {
            let error = #expect(throws: EvaluationError.self) {
                try edit.intervention(by: Self.autoencoder, on: ReferenceBackend())
            }
            #expect(error?.message == "An edit names latent \(latent), but toy has 3")
        }
    }
}

/// As many zeros.
private func zeros(_ count: Int) -> [Float] { [Float](repeating: 0, count: count) }

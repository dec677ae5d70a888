import Autoencoders
import Basics
import Corpora
import EvalKit
import Foundation
import Kernels
import Probes
import Tensors
import Testing

@testable import Evals

/// Units that come after others: what they carry, and effects that are found in parts.
struct AttributionPartsTests {
    private let subject = SubjectIndex(0)

    /// A cohort of one autoencoder as it would be found in files.
    private func cohort(
        architecture: String = "jumprelu", layout: String = "sae_lens", modelSize: Int = 6,
        latents: [Int] = [600, 700]
    ) -> Cohort {
        var cohort = toyCohort(modelSize: modelSize, latents: latents)
        for place in cohort.subjects.indices {
            cohort.subjects[place].reference.architecture = architecture
            cohort.subjects[place].reference.layout = layout
        }
        return cohort
    }

    private func plan(_ cohort: Cohort, isSCR: Bool = false) -> AttributionPlan {
        var settings = AttributionSettings()
        settings.nValues = [2, 20]
        return AttributionPlan(
            identifier: "tpp", isSCR: isSCR, settings: settings, cohort: cohort)
    }

    @Test("Ablations come after the probes of their run", arguments: [false, true])
    func after(isSCR: Bool) throws {
        let units = plan(cohort(), isSCR: isSCR).units()
        for (place, unit) in units.enumerated() {
            switch unit.unit {
            case .ablations(let run):
                #expect(unit.dependsOn.map { units[$0].unit } == [.probes(run)])
                #expect(unit.dependsOn.allSatisfy { $0 < place })
            default: #expect(unit.dependsOn == [])
            }
        }
        #expect(units.count == (isSCR ? 24 : 6))
    }

    @Test("The effects of a wide autoencoder have units between probes and ablations")
    func wide() throws {
        var plan = plan(cohort(latents: [600, 7]))
        let whole = plan.units()
        let effects = 2.2 * 6 * 600 * 2.5 * 4000 * 128
        plan.mostOperations = effects / 3.5
        let units = plan.units()
        let run = AttributionRun(dataset: plan.settings.datasetNames[0])
        #expect(
            units.prefix(7).map(\.unit) == [
                .probes(run), .effects(run, latents: 0..<150), .effects(run, latents: 150..<300),
                .effects(run, latents: 300..<450), .effects(run, latents: 450..<600),
                .ablations(run), .ablations(run),
            ])
        #expect(
            units.prefix(7).map(\.dependsOn) == [[], [0], [0], [0], [0], [0, 1, 2, 3, 4], [0]])
        #expect(units[7].dependsOn == [] && units[8].dependsOn == [7])
        #expect(units.prefix(7).allSatisfy { $0.inputs == [0] })
        let cost = units[1...5].reduce(0) { $0 + $1.costPerToken }
        #expect(isClose(cost, whole[1].costPerToken, within: 1e-9))
        #expect(units[6].costPerToken == whole[2].costPerToken)
    }

    @Test(
        "Latents that depend on one another, and those of a program's own types, stay together",
        arguments: [
            ("topk", "sae_lens"), ("jumprelu", "own type"), ("mystery", "sae_lens"),
        ])
    func together(architecture: String, layout: String) {
        var plan = plan(cohort(architecture: architecture, layout: layout))
        plan.mostOperations = 1
        #expect(plan.units().count == 6)
    }

    @Test("A million latents make units of minutes, and the usual widths one unit")
    func sizes() {
        let gemma = cohort(modelSize: 2304, latents: [1 << 20, 1 << 14])
        let plan = plan(gemma)
        let (first, second) = (SubjectIndex(0), SubjectIndex(1))
        let units = plan.units()
        #expect(units.filter { $0.subjects == [second] }.count == 2)
        let wide = units.filter { $0.subjects == [first] }
        #expect(wide.count > 60 && wide.count < 200)
        let mostTokens = 2.5 * 5000 * 128
        #expect(wide.allSatisfy { $0.costPerToken * mostTokens < 3e14 })
    }

    @Test("Units of probes have a new name in journals, those of ablations keep theirs")
    func names() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let run = AttributionRun(dataset: "d")
        let texts = try [.probes(run), .effects(run, latents: 2..<5), .ablations(run)].map {
            (unit: AttributionUnit) in String(decoding: try encoder.encode(unit), as: UTF8.self)
        }
        #expect(
            texts == [
                #"{"trained_probes":{"_0":{"dataset":"d"}}}"#,
                #"{"effects":{"_0":{"dataset":"d"},"latents":[2,5]}}"#,
                #"{"ablations":{"_0":{"dataset":"d"}}}"#,
            ])
        let old = try JSONDecoder().decode(
            AttributionPartial.self, from: Data(#"{"probes":[],"ablations":[]}"#.utf8))
        #expect(old == AttributionPartial())
    }

    @Test("Ablations take the probes that they are handed and train none")
    func handed() throws {
        let context = try AttributionFixture.context(isSCR: false, streams: .independent)
        let work = AttributionFixture.work(isSCR: false, in: context)
        let run = AttributionRun(dataset: "fixture")
        var partial = try #require(
            try work.evaluate(.probes(run), subjects: [subject])[subject]?.get())
        let trained = try AttributionProbes(try #require(partial.trained), with: work)
        let whole = try AttributionProbes(run, with: work)
        #expect(trained.probes == whole.probes)
        #expect(trained.accuracies == whole.accuracies)
        try context.setDependencyResults([partial], for: subject)
        let usual = try work.evaluate(.ablations(run), subjects: [subject])[subject]?.get()
        #expect(usual?.ablations.first?.ablated.first?.levels.first?.latents == 1)

        // Probes that call everything positive and that no latent moves.
        var constant = try #require(partial.trained)
        for place in constant.weights.values.indices { constant.weights.values[place] = 0 }
        for place in constant.logits.values.indices { constant.logits.values[place] = 1 }
        partial.trained = constant
        try context.setDependencyResults([partial], for: subject)
        let other = try #require(
            try work.evaluate(.ablations(run), subjects: [subject])[subject]?.get().ablations.first)
        for level in other.ablated.flatMap(\.levels) {
            #expect(level.latents == 0)
            #expect(level.accuracies == [0.5, 0.5, 0.5])
        }
    }

    @Test("Probes and effects that are missing or of another size are refused")
    func damaged() throws {
        let context = try AttributionFixture.context(isSCR: false, streams: .independent)
        let work = AttributionFixture.work(isSCR: false, in: context)
        let run = AttributionRun(dataset: "fixture")
        let probes = try #require(
            try work.evaluate(.probes(run), subjects: [subject])[subject]?.get())
        var short = probes
        short.trained?.weights.values.removeLast()
        var other = probes
        other.trained?.run = AttributionRun(dataset: "other")
        try context.setDependencyResults([probes], for: subject)
        let effects = try #require(
            try work.evaluate(.effects(run, latents: 0..<4), subjects: [subject])[subject]?.get())
        let cases: [[AttributionPartial]] = [[], [short], [other], [probes, effects]]
        for earlier in cases {
            try context.setDependencyResults(earlier, for: subject)
            let result = try work.evaluate(.ablations(run), subjects: [subject])[subject]
            let error = #expect(throws: EvaluationError.self) { try result?.get() }
            #expect(error?.code == .damagedPartial)
        }
    }

    @Test("Parts of effects choose the latents that the whole chooses, ties included")
    func ranking() throws {
        var numbers = Numbers(seed: 8)
        let run = AttributionRun(dataset: "d")
        for latents in [1, 7, 40, 301] {
            // Few different values of either sign, many of them 0.
            let effects = (0..<2).map { _ in
                (0..<latents).map { _ in Float(Int(numbers.next() * 4)) / 2 }
            }
            let nValues = [1, 3, 40, 200]
            let choices = try [1, 2, 13, latents].map { length in
                let parts = stride(from: 0, to: latents, by: length).map { first in
                    let range = first..<min(first + length, latents)
                    return RankedEffects(
                        run: run, latents: range,
                        probes: effects.map {
                            .init(of: Array($0[range]), from: first, most: 200)
                        })
                }
                return try RankedEffects.choices(
                    parts.reversed(), nValues: nValues, latents: latents, probes: 2)
            }
            let expected = effects.map { effects in
                let most = effects.count { $0 != 0 }
                return nValues.map { n in
                    Array(rankedFeatures(effects, count: most).prefix(n))
                }
            }
            for choice in choices { #expect(choice == expected) }
        }
    }
}

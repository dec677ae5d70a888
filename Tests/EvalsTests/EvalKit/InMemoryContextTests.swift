import Corpora
import EvalKit
import LanguageModels
import Tensors
import Testing

struct InMemoryContextTests {
    @Test("A unit gets the partial results that it depends on, in their order, for each subject")
    func dependencies() throws {
        let context = InMemoryContext(
            cohort: toyCohort(modelSize: 3, latents: [4, 4]), autoencoders: [])
        let subjects = context.cohort.subjectIndices
        let units = [
            PlannedUnit(unit: 1, subjects: subjects, cost: 0),
            PlannedUnit(unit: 10, subjects: subjects, cost: 0),
            PlannedUnit(unit: 100, subjects: subjects, cost: 0, dependsOn: [1, 0]),
        ]
        let results = try context.evaluated(units) { unit, subjects in
            subjects.results { subject in
                let before = try context.dependencyResults([Int].self, for: subject).flatMap { $0 }
                return before + [unit + subject.value]
            }
        }
        #expect(results[2] == [subjects[0]: [10, 1, 100], subjects[1]: [11, 2, 101]])
    }

    @Test("Without given activations the model is run for those that are read")
    func modelActivations() throws {
        let model = ToyModel()
        let tokens: [Int32] = [1, 2, 3, 4, 5, 6]
        let hook = HookPoint(layer: 1, site: .residPre)
        let context = InMemoryContext(
            cohort: toyCohort(hook: hook, layers: 2, modelSize: 6, latents: []),
            rows: TokenRows(tokens: tokens, positions: 3), autoencoders: [], model: model)
        let x = try context.activations(at: hook, rows: 1..<2)
        let pass = ForwardPass(
            start: .tokens([4, 5, 6]), end: .lastCapture, batch: 1, positions: 3, captures: [hook])
        #expect(x.values == (try model.run(pass).captured[hook]?.values))
    }

    @Test("What the context was not given is named")
    func missing() throws {
        let context = InMemoryContext(
            cohort: toyCohort(modelSize: 3, latents: [4]), autoencoders: [])
        let request = ProbingFixture.request()
        let errors = [
            #expect(throws: EvaluationError.self) { try context.model },
            #expect(throws: EvaluationError.self) { try context.texts(request) },
        ]
        #expect(errors[0]?.message.contains("a model") == true)
        #expect(errors[1]?.message.contains(request.dataset) == true)
    }
}

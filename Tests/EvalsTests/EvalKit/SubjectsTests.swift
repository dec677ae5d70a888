import EvalKit
import Testing

struct SubjectsTests {
    private let subjects = [SubjectIndex(2), SubjectIndex(0)]

    @Test("A subject whose evaluation fails fails alone")
    func alone() throws {
        let results = subjects.results { subject in
            guard subject.value > 0 else { throw Broken() }
            return subject.value * 10
        }
        #expect(results.count == 2)
        #expect(try results[SubjectIndex(2)]?.get() == 20)
        #expect(throws: Broken.self) { try results[SubjectIndex(0)]?.get() }
    }

    @Test("Chunks are merged in order for each subject; one failing chunk fails its subject alone")
    func chunks() throws {
        let good = ToyAutoencoder(modelSize: 6, latents: 4, seed: 1)
        let context = InMemoryContext(
            cohort: toyCohort(modelSize: 6, latents: [4, 4, 4]), autoencoders: [good, good, good],
            failures: [SubjectIndex(1): Broken()])
        let unit = LoadedSubjects(context.cohort.subjectIndices, in: context)
        #expect(unit.loaded.map(\.subject.value) == [0, 2])
        let chunks: [[Result<Int, any Error>]] = [
            [.success(1), .success(2)], [.success(3), .failure(Broken())],
        ]
        let merged = unit.results(chunks) { index, values in [index] + values }
        #expect(merged.count == 3)
        #expect(try merged[SubjectIndex(0)]?.get() == [0, 1, 3])
        for failed in [1, 2] {
            #expect(throws: Broken.self) { try merged[SubjectIndex(failed)]?.get() }
        }
    }

    @Test("Encoding costs a tenth more than its product, for some latents their share")
    func cost() {
        let subject = toyCohort(modelSize: 10, latents: [40])[SubjectIndex(0)]
        #expect(subject.encodeCost() == 2.2 * 10 * 40)
        #expect(subject.encodeCost(latents: 4) == 2.2 * 10 * 4)
    }
}

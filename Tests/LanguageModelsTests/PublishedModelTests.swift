import Testing

@testable import LanguageModels

struct PublishedModelTests {
    @Test(
        "A published model has the parameters that its card tells",
        arguments: [
            ("google/gemma-2-2b", 2_614_341_888, 26, 2304),
            ("google/gemma-2-2b-it", 2_614_341_888, 26, 2304),
            ("google/gemma-2-9b", 9_241_705_984, 42, 3584),
            ("EleutherAI/pythia-70m-deduped", 70_426_624, 6, 512),
            ("EleutherAI/pythia-160m-deduped", 162_322_944, 12, 768),
            ("gpt2", 124_439_808, 12, 768), ("meta-llama/Llama-3.1-8B", 8_030_261_248, 32, 4096),
        ])
    func sizes(id: String, parameters: Int, layers: Int, modelSize: Int) throws {
        let model = try #require(PublishedModel.named(id)).description()
        let share = Double(model.parameters) / Double(parameters)
        // The last norm is left out.
        #expect(abs(share - 1) < 1e-3, "\(model.parameters)")
        #expect(model.layers == layers && model.modelSize == modelSize)
    }

    @Test("Every published model can be decoded and has a name of its own")
    func all() throws {
        for model in PublishedModel.all { _ = try model.description() }
        #expect(Set(PublishedModel.all.map(\.id)).count == PublishedModel.all.count)
    }

    @Test("A revision names the same model, and nothing is known of others")
    func names() {
        #expect(PublishedModel.named("gpt2@main")?.id == "gpt2")
        #expect(PublishedModel.named("org/other") == nil)
        #expect(PublishedModel.named("") == nil)
    }
}

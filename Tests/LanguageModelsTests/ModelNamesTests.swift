import Testing

@testable import LanguageModels

struct ModelNamesTests {
    @Test(
        "A model's hub id, short name, old name and revision are one name",
        arguments: [
            ["google/gemma-2-2b", "gemma-2-2b", "Gemma-2-2B", "google/gemma-2-2b@main"],
            ["gpt2", "gpt2-small", "openai-community/gpt2"],
            ["EleutherAI/pythia-70m-deduped", "pythia-70m-deduped", "pythia-19m-deduped"],
            ["EleutherAI/pythia-1.4b-deduped-v0", "pythia-1.3b-deduped-v0"],
            ["mistralai/Mistral-7B-v0.1", "mistral-7b"],
            ["meta-llama/Meta-Llama-3.1-8B", "Llama-3.1-8B"],
            ["roneneldan/TinyStories-1Layer-21M", "tiny-stories-1L-21M"],
            ["allenai/OLMo-2-0425-1B", "olmo-2-1b"], ["allenai/OLMo-2-1124-7B", "OLMo-2-7B"],
            ["roneneldan/TinyStories-33M", "tiny-stories-33M"],
        ])
    func same(names: [String]) {
        #expect(
            Set(names.map(ModelNames.canonical)).count == 1, "\(names.map(ModelNames.canonical))")
    }

    @Test(
        "Models that differ in anything keep names of their own",
        arguments: [
            ("gemma-2-2b", "gemma-2-2b-it"), ("pythia-70m", "pythia-70m-deduped"),
            ("gpt2-small", "gpt2-medium"), ("pythia-13b", "pythia-1.3b"),
            ("gemma-3-1b-pt", "gemma-3-1b-it"), ("Llama-3.1-8B", "Llama-3.1-8B-Instruct"),
            ("pythia-125m", "pythia-125mx"), ("olmo-2-1b", "olmo-2-7b"),
        ])
    func different(first: String, second: String) {
        #expect(ModelNames.canonical(first) != ModelNames.canonical(second))
    }
}

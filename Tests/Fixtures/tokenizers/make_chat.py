"""Writes small tokenizers with chat templates and settings of our own wording, and what `transformers` makes of them.

    python make_chat.py          the folders `chat` and `settings`
"""

import json
import os
import tempfile

import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = ["the user asks and the model answers", "what is the answer to this question", "one and one make two"] * 20

GEMMA = """{{ bos_token }}
{%- for turn in messages -%}
    {%- if turn.role == 'system' -%}{{ raise_exception('there is no place for rules') }}{%- endif -%}
    {%- if (loop.index0 is even) != (turn.role == 'user') -%}{{ raise_exception('user and assistant take turns') }}{%- endif -%}
    {%- set speaker = 'model' if turn.role == 'assistant' else turn.role -%}
    {{ '<start_of_turn>' ~ speaker ~ '\\n' ~ (turn.content | trim) ~ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
"""
LLAMA2 = """
{%- set rules = messages[0].content if messages[0].role == 'system' else none -%}
{%- set spoken = messages if rules is none else messages[1:] -%}
{%- for turn in spoken -%}
    {%- if (loop.index0 is even) != (turn.role == 'user') -%}{{ raise_exception('user and assistant take turns') }}{%- endif -%}
    {%- if turn.role == 'assistant' -%}
        {{ ' ' ~ turn.content.strip() ~ ' ' ~ eos_token }}
    {%- else -%}
        {%- set before = '<<SYS>>\\n' ~ rules ~ '\\n<</SYS>>\\n\\n' if loop.first and rules is not none else '' -%}
        {{ bos_token ~ '[INST] ' ~ (before ~ turn.content).strip() ~ ' [/INST]' }}
    {%- endif -%}
{%- endfor -%}
"""
LLAMA3 = """{{ bos_token }}
{%- for turn in messages -%}
    {{ '<|start_header_id|>' ~ turn.role ~ '<|end_header_id|>\\n\\n' ~ (turn.content | trim) ~ '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif -%}
"""
LLAMA31 = """{{ bos_token }}
{%- if date_string is not defined %}{% set date_string = "04 May 2023" %}{% endif -%}
{%- set rules = messages[0].content | trim if messages[0].role == 'system' else '' -%}
{{ '<|start_header_id|>system<|end_header_id|>\\n\\nCutting Knowledge Date: December 2023\\nToday Date: ' ~ date_string ~ '\\n\\n' ~ rules ~ '<|eot_id|>' }}
{%- for turn in (messages[1:] if messages[0].role == 'system' else messages) -%}
    {{ '<|start_header_id|>' ~ turn.role ~ '<|end_header_id|>\\n\\n' ~ (turn.content | trim) ~ '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif -%}
"""
UNTRIMMED = GEMMA.replace("(turn.content | trim)", "turn.content").replace("{{ bos_token }}\n", "")

QUESTION = "  What is one\nand one?  \n"
CONVERSATIONS = [
    [("user", "the question")],
    [("user", QUESTION)],
    [("user", "")],
    [("user", "\u00a0\u3000 caf\u00e9 \U0001f44d\U0001f3fd\x1c\x1f\x85")],
    [("user", "\u200bnot a space\ufeff")],
    [("user", "one"), ("assistant", " two \n")],
    [("user", "one"), ("assistant", "two"), ("user", " three <bos> ")],
    [("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four"), ("user", "five")],
    [("system", " Answer briefly. \n"), ("user", " the question ")],
    [("system", "Rules"), ("user", "one"), ("assistant", "two"), ("user", "three")],
    [("assistant", "one")],
    [("user", "one"), ("user", "two")],
]


def over_characters(special, prefix):
    """Words over characters with byte tokens, in the manner of Gemma, or with a mark in front as Llama 2 has it."""
    mark = [normalizers.Prepend("\u2581")] if prefix else []
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(mark + [normalizers.Replace(" ", "\u2581")])
    strip = [decoders.Strip(content=" ", left=1)] if prefix else []
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()] + strip)
    words = trainers.BpeTrainer(vocab_size=len(special) + 256 + 60, special_tokens=special + [f"<0x{i:02X}>" for i in range(256)], show_progress=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    tokenizer.train_from_iterator(TEXT, words)
    tokenizer.pre_tokenizer = None
    without = json.loads(tokenizer.to_str())
    # The byte tokens are ordinary tokens, not special ones.
    without["added_tokens"] = [token for token in without["added_tokens"] if token["content"] in special]
    return Tokenizer.from_str(json.dumps(without))


def over_bytes(special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    return tokenizer


def chat_folders():
    gemma = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    llama3 = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    yield "gemma", over_characters(gemma, False), names | {"chat_template": GEMMA}, None
    yield "gemma-untrimmed", over_characters(gemma, False), names | {"chat_template": [{"name": "other", "template": "{{ 1 }}"}, {"name": "default", "template": UNTRIMMED}]}, None
    yield "llama2", over_characters(["<unk>", "<s>", "</s>"], True), {"bos_token": {"__type": "AddedToken", "content": "<s>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}, "eos_token": "</s>", "unk_token": "<unk>", "chat_template": LLAMA2}, None
    names = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
    yield "llama3", over_bytes(llama3), names | {"chat_template": "{{ 'the file beside this one counts' }}"}, LLAMA3
    yield "llama31", over_bytes(llama3), names | {"chat_template": LLAMA31}, None


def write_chat():
    for name, tokenizer, configuration, jinja in chat_folders():
        folder = f"{HERE}/chat/{name}"
        os.makedirs(folder, exist_ok=True)
        tokenizer.save(f"{folder}/tokenizer.json", pretty=False)
        with open(f"{folder}/tokenizer_config.json", "w") as file:
            json.dump({"tokenizer_class": "PreTrainedTokenizerFast"} | configuration, file, indent=1)
        if jinja:
            with open(f"{folder}/chat_template.jinja", "w") as file:
                file.write(jinja)
        library = transformers.AutoTokenizer.from_pretrained(folder)
        cases = []
        for conversation in CONVERSATIONS:
            for opens in [True, False]:
                turns = [{"role": role, "content": content} for role, content in conversation]
                case = {"turns": conversation, "opens": opens}
                try:
                    case["text"] = library.apply_chat_template(turns, tokenize=False, add_generation_prompt=opens)
                    case["ids"] = list(library.apply_chat_template(turns, tokenize=True, add_generation_prompt=opens, return_dict=False))
                except Exception as error:
                    # Only what the template itself refuses.
                    assert "take turns" in str(error) or "rules" in str(error), error
                cases.append(case)
        with open(f"{folder}/chat.json", "w") as file:
            json.dump(cases, file, separators=(",", ":"))


def settings_tokenizer(template):
    tokenizer = Tokenizer(models.BPE(vocab={"<s>": 0, "</s>": 1, "a": 2, "b": 3, "ab": 4, "\u0120": 5}, merges=[("a", "b")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    if template:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    return tokenizer


def write_settings():
    """What goes around a text where tokenizer.json and tokenizer_config.json agree or not."""
    folder = f"{HERE}/settings"
    os.makedirs(folder, exist_ok=True)
    files = {"plain.json": settings_tokenizer(False).to_str(), "template.json": settings_tokenizer(True).to_str()}
    for name, text in files.items():
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    model = json.loads(files["plain.json"])["model"]
    cases = []
    classes = ["LlamaTokenizer", "GemmaTokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer", "PreTrainedTokenizerFast"]
    for source in ["plain.json", "template.json", "vocab.json"]:
        for cls in classes if source != "vocab.json" else ["GPT2Tokenizer"]:
            for flags in [{}, {"add_bos_token": True}, {"add_bos_token": False}, {"add_bos_token": False, "add_eos_token": True}, {"add_bos_token": True, "bos_token": None}]:
                configuration = {"tokenizer_class": cls, "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<s>"} | flags
                with tempfile.TemporaryDirectory() as place:
                    if source == "vocab.json":
                        with open(f"{place}/vocab.json", "w") as file:
                            json.dump(model["vocab"], file)
                        with open(f"{place}/merges.txt", "w") as file:
                            file.write("#version: 0.2\na b\n")
                    else:
                        with open(f"{place}/tokenizer.json", "w") as file:
                            file.write(files[source])
                    with open(f"{place}/tokenizer_config.json", "w") as file:
                        json.dump(configuration, file)
                    with open(f"{place}/config.json", "w") as file:
                        json.dump({"model_type": "gpt2"}, file)
                    library = transformers.AutoTokenizer.from_pretrained(place)
                    cases.append({"source": source, "configuration": configuration, "ids": library("ab<s>b").input_ids})
    with open(f"{folder}/settings.json", "w") as file:
        json.dump(cases, file, separators=(",", ":"))


if __name__ == "__main__":
    write_chat()
    write_settings()

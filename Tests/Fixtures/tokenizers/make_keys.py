"""Writes what `transformers` and TransformerLens make of the files beside a `tokenizer.json`.

    python make_keys.py                          the folder `keys`
    python make_keys.py --check OUT [SEED]       40 random combinations on 500 texts each, to OUT
"""

import json
import os
import random
import sys
import tempfile
import types

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

from transformer_lens import HookedTransformer
from transformers import AutoTokenizer

import text_lines

HERE = os.path.dirname(os.path.abspath(__file__))
WORLD = "../../../configs/quickstart/model"
BYTES = [WORLD, "gpt2", "llama3", "qwen2"]
MARKS = ["llama2", "metaspace-always", "gemma"]
ARCHITECTURES = {
    "gpt2": "GPT2LMHeadModel",
    "gpt_neox": "GPTNeoXForCausalLM",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "olmo2": "Olmo2ForCausalLM",
}
CLASSES = {
    "bytes": ["PreTrainedTokenizerFast", "TokenizersBackend", "GPT2Tokenizer", "GPT2TokenizerFast", "GPTNeoXTokenizer", "Qwen2TokenizerFast", "CodeGenTokenizer", "LlamaTokenizerFast", "UnheardTokenizer", None],
    "marks": ["PreTrainedTokenizerFast", "LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizerFast", "PreTrainedTokenizer", None],
}
OLD = ["<|endoftext|>", "<|padding|>", "<s>", "</s>", "<unk>"]
NEW = ["<|im_start|>", "<|im_end|>", "wolf", "<extra>", "[INST]", " the", "\u00c9t\u00e9", "<x"]


def tokenizer_of(folder, kind):
    """As `HookedTransformer` makes it for a model of a kind."""
    architecture = ARCHITECTURES[kind]
    wishes = architecture not in ["Qwen3ForCausalLM", "Olmo2ForCausalLM"]
    tokenizer = AutoTokenizer.from_pretrained(folder, add_bos_token=wishes, trust_remote_code=False, use_fast=True, token=None)
    config = types.SimpleNamespace(original_architecture=architecture, d_vocab=1, d_vocab_out=1)
    model = types.SimpleNamespace(cfg=config)
    HookedTransformer.set_tokenizer(model, tokenizer)
    return model.tokenizer, config.tokenizer_prepends_bos


def flags(rng, content):
    return {"content": content, "lstrip": rng.random() < 0.3, "normalized": rng.random() < 0.4, "rstrip": rng.random() < 0.3, "single_word": rng.random() < 0.2, "special": rng.random() < 0.6}


def token(rng):
    """A special token as text or, as older versions write it, with flags."""
    content = rng.choice(OLD * 3 + NEW)
    if rng.random() < 0.25:
        return {"__type": "AddedToken"} | flags(rng, content)
    return content


def combination(rng):
    """The files of one random tokenizer."""
    form = "bytes" if rng.random() < 0.65 else "marks"
    base = rng.choice(BYTES if form == "bytes" else MARKS)
    kind = rng.choice(list(ARCHITECTURES)[:7])  # later ones would change what is drawn
    configuration = {}
    name = rng.choice(CLASSES[form])
    if name:
        configuration["tokenizer_class"] = name
    for key in ["bos_token", "eos_token", "unk_token", "pad_token", "mask_token", "image_token"]:
        chance = rng.random()
        if chance < 0.45:
            configuration[key] = token(rng)
        elif chance < 0.55:
            configuration[key] = None
    if rng.random() < 0.4:
        chosen = rng.sample(OLD + NEW, rng.randint(1, 5))
        configuration["added_tokens_decoder"] = {str(rng.choice([0, 1, 2, 600, 4093, 4094, 5000, 5001]) + 7 * i): flags(rng, text) for i, text in enumerate(chosen)}
    for key in ["additional_special_tokens", "extra_special_tokens"]:
        if rng.random() < 0.3:
            configuration[key] = rng.sample(NEW, rng.randint(0, 3))
    if rng.random() < 0.15:
        configuration["extra_special_tokens"] = {"video_token": "<extra>", "other": "[INST]"}
    for key, values in {
        "split_special_tokens": [True, True, False],
        "add_prefix_space": [True, False],
        "truncation_side": ["left", "right"],
        "padding_side": ["left", "right"],
        "legacy": [True, False, None],
        "clean_up_tokenization_spaces": [True],
        "model_max_length": [8, 512, 1e30],
        "add_bos_token": [True, False],
        "add_eos_token": [True, False],
        "errors": ["ignore"],
        "trim_offsets": [False],
        "do_lower_case": [True],
        "device_map": ["auto"],
    }.items():
        if rng.random() < 0.3:
            configuration[key] = rng.choice(values)
    files = {"config.json": {"model_type": kind}, "tokenizer_config.json": configuration}
    if rng.random() < 0.3:
        special = {key: rng.choice(OLD + NEW) for key in ["bos_token", "eos_token", "unk_token"] if rng.random() < 0.5}
        if rng.random() < 0.5:
            special["pad_token"] = {key: value for key, value in flags(rng, rng.choice(NEW)).items() if key != "special"}
        if rng.random() < 0.5:
            special["additional_special_tokens"] = rng.sample(NEW, 2)
        files["special_tokens_map.json"] = special
    if rng.random() < 0.3:
        files["added_tokens.json"] = {text: 4093 + i for i, text in enumerate(rng.sample(NEW, 2))}
    sections = {}
    if rng.random() < 0.25:
        sections["truncation"] = {"direction": rng.choice(["Left", "Right"]), "max_length": 5, "strategy": "LongestFirst", "stride": 0}
    if rng.random() < 0.25:
        sections["padding"] = {"strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": rng.choice(OLD + NEW)}
    return {"base": base, "files": files, "sections": sections}


def measured(case, texts):
    """The case with what the library makes of it; nothing where it makes none."""
    with open(f"{HERE}/{case['base']}/tokenizer.json") as file:
        sections = json.load(file) | case["sections"]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (case["files"] | {"tokenizer.json": sections}).items():
            with open(f"{folder}/{name}", "w") as file:
                json.dump(content, file)
        tokenizer, prepends = tokenizer_of(folder, case["files"]["config.json"]["model_type"])
        plain = [tokenizer(text).input_ids for text in texts]
        special = [tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id]
        # A pad token that is out of the vocabulary has no id.
        cut = [tokenizer(text, truncation=True, max_length=6, add_special_tokens=False).input_ids for text in texts]
    if prepends:
        assert all(ids[0] == special[0] for ids in plain)
        plain = [ids[1:] for ids in plain]
    return case | {"class": type(tokenizer).__name__, "special": special, "prepends": prepends, "ids": plain, "cut": cut}


ADDED = {"content": "<|im_start|>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
PLAIN = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "tokenizer_class": "PreTrainedTokenizerFast"}
CONFIGURATION = "tokenizer_config.json"


def kinds():
    """Five tokenizers for each of four kinds of entry that was once not read, those with vocabularies of their own, and OLMo 2."""
    end = ADDED | {"content": "<|endoftext|>"}
    pad = ADDED | {"content": "<|padding|>"}
    wolf = ADDED | {"content": "wolf", "normalized": True, "special": False}
    for name, extra, others in [
        ("added: flags and ids", {"added_tokens_decoder": {"0": end, "4094": ADDED, "4093": wolf}}, {}),
        ("added: single words", {"added_tokens_decoder": {"4093": wolf | {"single_word": True}, "4094": ADDED | {"rstrip": True}}}, {}),
        ("added: extra by name", {"extra_special_tokens": {"image_token": "<|im_start|>", "end": "<|im_end|>"}}, {}),
        ("added: from added_tokens.json and the map", {}, {"added_tokens.json": {"<|im_start|>": 4093, "wolf": 4094}, "special_tokens_map.json": {"additional_special_tokens": ["<|im_end|>"], "pad_token": "<|im_start|>"}}),
        ("added: additional with flags", {"additional_special_tokens": [{"__type": "AddedToken"} | ADDED | {"lstrip": True}, "wolf"]}, {}),
        ("flags: spaces after the end", {"added_tokens_decoder": {"0": end | {"rstrip": True}, "1": pad}}, {}),
        ("flags: spaces on both sides", {"added_tokens_decoder": {"0": end | {"lstrip": True, "rstrip": True}}}, {}),
        ("flags: spaces that two tokens take", {"added_tokens_decoder": {"0": end | {"rstrip": True}, "4093": ADDED | {"content": "  ", "lstrip": True}}}, {}),
        ("flags: no longer special, and split", {"added_tokens_decoder": {"1": pad | {"special": False}}, "split_special_tokens": True}, {}),
        ("flags: of a named token", {"pad_token": {"__type": "AddedToken"} | ADDED | {"lstrip": True}}, {}),
        ("flags: of the map", {}, {"special_tokens_map.json": {"mask_token": ADDED | {"rstrip": True}}}),
        ("split: alone", {"split_special_tokens": True}, {}),
        ("split: with an added word", {"split_special_tokens": True, "added_tokens_decoder": {"4093": wolf}}, {}),
        ("split: with an added special token", {"split_special_tokens": True, "added_tokens_decoder": {"4093": ADDED}}, {}),
        ("split: with spaces", {"split_special_tokens": True, "added_tokens_decoder": {"0": end | {"lstrip": True}}}, {}),
        ("split: the class of GPT-NeoX", {"split_special_tokens": True, "tokenizer_class": "GPTNeoXTokenizer"}, {}),
        ("side: left", {"truncation_side": "left"}, {}),
        ("side: left, padded left", {"truncation_side": "left", "padding_side": "left"}, {}),
        ("side: right over the file's", {"truncation_side": "right"}, {"truncation": "Left"}),
        ("side: the file's", {}, {"truncation": "Left"}),
        ("a BOS that no template names", {"bos_token": " the"}, {"config.json": {"model_type": "qwen3"}}),
        ("side: left with added tokens", {"truncation_side": "left", "added_tokens_decoder": {"4093": ADDED}}, {}),
    ]:
        side = others.pop("truncation", None)
        sections = {"truncation": {"direction": side, "max_length": 5, "strategy": "LongestFirst", "stride": 0}} if side else {}
        files = {"config.json": {"model_type": "gpt_neox"}, CONFIGURATION: PLAIN | extra} | others
        yield {"name": name, "base": WORLD, "files": files, "sections": sections}
    # The files of OLMo 2 name a class that would change what they say; a BOS is never asked for.
    for base, extra in [("llama3", {"add_prefix_space": True}), (WORLD, {"add_bos_token": True}), (WORLD, {"bos_token": "a b"})]:
        files = {"config.json": {"model_type": "olmo2"}, CONFIGURATION: PLAIN | {"tokenizer_class": "GPT2Tokenizer"} | extra}
        yield {"name": "OLMo 2: the class of tokenizer.json, without a BOS", "base": base, "files": files, "sections": {}}


def table():
    """Every key that public files carry: the value, the base that shows it, and what is done: computed, refused, or why it changes nothing."""
    byte, mark, gpt2 = (WORLD, PLAIN), ("llama2", {"tokenizer_class": "LlamaTokenizer"}), (WORLD, PLAIN | {"tokenizer_class": "GPT2Tokenizer"})
    computed, refused = "computed", "refused"
    decoded, kept, rows, chat = "decoding alone", "kept by the library and not read", "rows are cut and filled by the evaluation", "chat templates alone"
    template, files = "the wish of TransformerLens for a BOS replaces it", "files are found by their names"
    slow, call = "tokenizers in Python alone", "arguments of one call or of loading, kept by the library"
    for base, entries in [
        (byte, [
            ("tokenizer_class", "GPTNeoXTokenizer", computed), ("bos_token", None, computed), ("eos_token", "<|padding|>", computed), ("pad_token", "<|padding|>", computed),
            ("unk_token", "<|im_start|>", computed), ("mask_token", "<|im_start|>", computed), ("cls_token", "<|im_start|>", computed), ("sep_token", "<|im_start|>", computed),
            ("image_token", "<|im_start|>", computed), ("audio_token", "<|im_start|>", computed), ("boi_token", "<|im_start|>", computed), ("eot_token", "<|im_start|>", computed),
            ("added_tokens_decoder", {"4093": ADDED}, computed), ("additional_special_tokens", ["<|im_start|>"], computed), ("extra_special_tokens", ["<|im_start|>"], computed), ("model_specific_special_tokens", {"image_token": "<|im_start|>"}, computed),
            ("split_special_tokens", True, computed), ("truncation_side", "left", computed), ("add_prefix_space", True, kept), ("legacy", True, kept),
            ("padding_side", "left", rows), ("model_max_length", 8, rows), ("max_length", 8, rows), ("max_len", 8, rows), ("stride", 2, rows), ("truncation_strategy", "longest_first", rows),
            ("truncation", True, rows), ("padding", "max_length", rows), ("pad_to_multiple_of", 8, rows), ("pad_token_type_id", 3, rows),
            ("add_bos_token", False, template), ("add_eos_token", True, template),
            ("clean_up_tokenization_spaces", True, decoded), ("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", True, decoded), ("spaces_between_special_tokens", True, decoded), ("errors", "ignore", decoded), ("trim_offsets", True, decoded),
            ("chat_template", "{{ messages }}", chat), ("response_schema", {}, chat), ("response_template", "x", chat), ("chat_control_tokens", ["<|im_start|>"], chat), ("use_default_system_prompt", True, chat), ("tool_use_template", "x", chat), ("grounded_generation_template", "x", chat),
            ("tokenizer_file", "other.json", files), ("special_tokens_map_file", "other.json", files), ("name_or_path", "a/b", files), ("full_tokenizer_file", None, files), ("vocab_file", "other.json", files), ("merges_file", "other.txt", files), ("added_tokens_file", "other.json", files),
            ("processor_class", "Processor", kept), ("backend", "tokenizers", kept), ("is_local", True, kept), ("model_input_names", ["input_ids"], kept), ("model_type", "gpt2", kept), ("tokenizer_type", "gpt2", kept), ("verbose", False, kept), ("return_token_type_ids", True, kept), ("unk_id", 3, kept), ("pad_token_id", 1, kept), ("additional_special_tokens_ids", [1], kept), ("image_token_id", 3, kept),
            ("do_lower_case", True, slow), ("remove_space", True, slow), ("keep_accents", True, slow), ("sp_model_kwargs", {"enable_sampling": True}, slow), ("do_basic_tokenize", True, slow), ("never_split", ["wolf"], slow), ("strip_accents", True, slow), ("tokenize_chinese_chars", True, slow), ("extra_ids", 100, slow), ("from_slow", True, slow), ("mergeable_ranks", None, slow),
            ("device_map", "auto", call), ("use_fast", False, call), ("trust_remote_code", True, call), ("torch_dtype", "auto", call), ("local_files_only", False, call), ("auto_map", {"AutoTokenizer": ["tok.Tok", None]}, "code of a repository's own is not run"),
            ("fast_tokenizer_files", ["tokenizer.json"], files), ("init_inputs", [], kept), ("fix_mistral_regex", True, "models of Mistral alone"),
        ]),
        (gpt2, [("add_prefix_space", True, computed), ("unk_token", "<|im_start|>", computed), ("tokenizer_class", "Qwen2TokenizerFast", computed), ("tokenizer_class", "RobertaTokenizer", refused), ("tokenizer_class", "Phi3TokenizerFast", refused), ("tokenizer_class", "BartTokenizer", refused)]),
        (mark, [("legacy", True, computed), ("add_prefix_space", False, computed), ("tokenizer_class", "PreTrainedTokenizerFast", computed), ("tokenizer_class", "GemmaTokenizer", computed), ("bos_token", "</s>", computed)]),
        (byte, [("fast_tokenizer_files", ["tokenizer.json", "tokenizer.4.0.0.json"], refused), ("init_inputs", ["x"], refused), ("post_processor", "x", refused), ("tokenizer_object", "x", refused), ("tokenizer_padding", {}, refused), ("tokenizer_truncation", {}, refused), ("truncation_side", "middle", refused), ("padding_side", None, refused), ("split_special_tokens", "yes", refused), ("added_tokens_decoder", None, refused), ("bos_token", 3, refused), ("bos_token", "<seed:bos>", refused), ("additional_special_tokens", "<x>", refused)]),
    ]:
        for key, value, what in entries:
            yield row(base, CONFIGURATION, key, value, what)
    for key, value, what in [
        ("bos_token", "<|padding|>", computed), ("pad_token", ADDED, computed), ("additional_special_tokens", ["<|im_start|>"], computed), ("extra_special_tokens", ["<|im_start|>"], computed), ("image_token", "<|im_start|>", computed),
    ]:
        yield row(byte, "special_tokens_map.json", key, value, what)
    yield row(byte, "added_tokens.json", "<|im_start|>", 4093, computed)
    cut = {"direction": "Left", "max_length": 5, "strategy": "LongestFirst", "stride": 0}
    fill = {"strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": 8, "pad_id": 0, "pad_type_id": 0, "pad_token": "<|im_start|>"}
    for key, value, what in [
        ("version", "1.0", "the only one"), ("version", "2.0", refused), ("truncation", cut, computed), ("truncation", cut | {"direction": "Right", "max_length": 2, "stride": 1}, rows), ("padding", fill, computed), ("padding", fill | {"pad_token": "<|endoftext|>"}, rows),
        ("added_tokens", [{"id": 4093} | ADDED], computed), ("normalizer", {"type": "Replace", "pattern": {"String": "e"}, "content": "a"}, computed), ("pre_tokenizer", {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, computed),
        ("post_processor", {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "x", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}], "special_tokens": {"x": {"id": "x", "ids": [1], "tokens": ["x"]}}}, template),
        ("decoder", {"type": "Fuse"}, decoded),
    ]:
        yield row(byte, "tokenizer.json", key, value, what)


def row(base, file, key, value, what):
    """A case with the entry, and the same without it."""
    place, configuration = base
    files = {"config.json": {"model_type": "gpt_neox" if place == WORLD else "llama"}, CONFIGURATION: configuration}
    without = {"base": place, "files": files, "sections": {}}
    sections = {key: value} if file == "tokenizer.json" else {}
    if not sections:
        files = files | {file: files.get(file, {}) | {key: value}}
    return {"name": f"{file}: {key}", "file": file, "key": key, "what": what, "base": place, "files": files, "sections": sections}, without


def table_cases(texts):
    """The rows with what the library makes of them, checked for whether they change anything."""
    cases = []
    for case, without in table():
        if case["what"] != "refused":
            before, case = measured(without, texts), measured(case, texts)
            changes = any(before[key] != case[key] for key in ["special", "prepends", "ids", "cut"])
            if changes != (case["what"] == "computed"):
                print("changes" if changes else "changes nothing", case["name"], case["files"], file=sys.stderr)
        cases.append(case)
    return cases


def write(path, cases, texts):
    with open(path, "w") as file:
        json.dump({"texts": texts, "cases": cases}, file, separators=(",", ":"))


def lines(count, seed):
    extra = OLD + NEW + [" <|im_start|> ", "<s> a", "a <s>", "xwolf", "a wolf b", "  <|endoftext|>  ", " the end"]
    return text_lines.lines(count + 14, seed, extra)[14:]


def random_cases(count, seed, texts):
    rng = random.Random(seed)
    cases = []
    while len(cases) < count:
        case = combination(rng)
        try:
            cases.append(measured(case, texts))
        except Exception as error:  # What the library refuses has no ids.
            print(type(error).__name__, str(error)[:100], json.dumps(case)[:300], file=sys.stderr)
    return cases


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        texts = lines(500, 31)
        write(sys.argv[2], random_cases(40, int((sys.argv[3:] or ["5"])[0]), texts), texts)
    else:
        texts = lines(10, 30)
        write(f"{HERE}/keys/random.json", random_cases(40, 4, texts), texts)
        texts = ["The <|im_start|> wolf <|endoftext|>  runs<|padding|> to a wolfhound.", "x <|im_end|>wolf <|im_start|>", "one two three four five six seven", "<|endoftext|> <s>ab</s>cd </s>", "\u00e9te\u0301 <unk>"]
        write(f"{HERE}/keys/kinds.json", [measured(case, texts) for case in kinds()], texts)
        write(f"{HERE}/keys/table.json", table_cases(texts), texts)

"""Trains small tokenizers, one for each option, and writes the ids that the `tokenizers` library gives.

    python make_fixtures.py                             the folders beside this file
    python make_fixtures.py --real DIR...               `real/<name>.json` for tokenizers that lie elsewhere
    python make_fixtures.py --check OUT DIR...          3,000 lines each, for those here and elsewhere
"""

import json
import os
import random
import shutil
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import text_lines

HERE = os.path.dirname(os.path.abspath(__file__))
GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
LLAMA3 = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
ADDED = [
    AddedToken("<|special|>", special=True, normalized=False),
    AddedToken("<|special|>more", special=True, normalized=False),
    AddedToken("    ", special=False, normalized=True),
    AddedToken("  ", special=False, normalized=True),
    AddedToken("caf\u00e9", special=False, normalized=True),
    AddedToken("<mask>", special=True, normalized=False, lstrip=True),
    AddedToken("<right>", special=True, normalized=False, rstrip=True),
    AddedToken("<both>", special=False, normalized=True, lstrip=True, rstrip=True),
    AddedToken("alone", special=False, normalized=False, single_word=True),
    AddedToken("e\u0301t", special=False, normalized=True, single_word=True),
]
MARKED_EXTRA = ["<s>", "</s>", "<unk>", " <s>", "<s> ", "<s>a", "<s>\u2581", "\u2581", " \u2581", "<0x0A>", "<0x41><0xE2><0x82>", "\n", "<left>", "  <left> ", "<right>  ", "[INST] ", "</s><s>"]
EXTRA = [t.content for t in ADDED] + ["cafe\u0301", "\u00e9t", " alone ", "xalone", "alone_", "alone\u0301", "  <mask>", "<right>  <mask>", "<both>\n", "<|endoftext|>"]


def training_text():
    """English-like text of our own, from coined words."""
    rng = random.Random(1)
    words = [text_lines.word(rng) for _ in range(300)]
    return [" ".join(rng.choice(words) for _ in range(12)) + "." for _ in range(800)] + text_lines.lines(200, 2)


def byte_level(pre, normalizer=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(training_text(), trainer)
    tokenizer.add_tokens(ADDED)
    return tokenizer


def characters(pre, fallback, fuse, normalizer=None):
    special = ["<pad>", "<eos>", "<bos>", "<unk>"] + ([f"<0x{i:02X}>" for i in range(256)] if fallback else [])
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=fallback, fuse_unk=fuse))
    tokenizer.normalizer = normalizer or normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    trainer = trainers.BpeTrainer(vocab_size=500 + 256 * fallback, special_tokens=special, limit_alphabet=60, show_progress=False)
    tokenizer.train_from_iterator(training_text(), trainer)
    return tokenizer


def marked(pre, normalizer, decoder, are_normalized=False):
    """Words over characters in the manner of Llama 2: byte tokens, fused unknown ones, three control tokens."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoder
    control = [AddedToken(text, special=True, normalized=are_normalized) for text in ["<unk>", "<s>", "</s>"]]
    # Trained word by word, so that no merge goes over a space.
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=special, limit_alphabet=60, show_progress=False)
    words.train_from_iterator(training_text(), trainer)
    trained = json.loads(words.to_str())["model"]
    merges = [tuple(merge) for merge in trained["merges"]]
    tokenizer.model = models.BPE(vocab=trained["vocab"], merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    tokenizer.add_special_tokens(control)
    tokenizer.add_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def llama_decoder(strips=True):
    strip = [decoders.Strip(content=" ", left=1)] if strips else []
    return decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()] + strip)


def marked_tokenizers():
    """The forms in which converted Llama 2 and Mistral tokenizers are found."""
    legacy = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    yield "llama2", marked(None, legacy, llama_decoder())
    yield "llama2-normalized", marked(None, legacy, llama_decoder(), are_normalized=True)
    meta = pre_tokenizers.Metaspace
    yield "metaspace-first", marked(meta(prepend_scheme="first", split=False), None, llama_decoder())
    yield "metaspace-always", marked(meta(prepend_scheme="always", split=True), None, decoders.Metaspace(prepend_scheme="always"))
    yield "metaspace-never", marked(meta(prepend_scheme="never", split=False), None, decoders.Metaspace(prepend_scheme="never"))
    split_first = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), meta(prepend_scheme="first", split=True)])
    yield "metaspace-first-split", marked(split_first, None, decoders.Metaspace(prepend_scheme="first"))


def split_bytes(pattern, *arguments, **keywords):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(pattern, *arguments, **keywords), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def tokenizers():
    pre = pre_tokenizers
    template = processors.TemplateProcessing(single="<|endoftext|> $A <|special|>:0", special_tokens=[("<|endoftext|>", 0), ("<|special|>", 600)])
    yield "gpt2", byte_level(pre.ByteLevel(add_prefix_space=False))
    yield "gpt2-prefix-space", byte_level(pre.ByteLevel(add_prefix_space=True), normalizers.NFC())
    llama = byte_level(split_bytes(Regex(LLAMA3), "isolated"), ignore_merges=True)
    llama.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    yield "llama3", llama
    yield "qwen2", byte_level(split_bytes(Regex(QWEN2), "isolated"), normalizers.Sequence([normalizers.NFC()]))
    yield "smollm2", byte_level(pre.Sequence([pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)]))
    yield "digit-runs", byte_level(pre.Sequence([pre.Digits(individual_digits=False), pre.ByteLevel(add_prefix_space=True)]))
    yield "gpt2-split-removed", byte_level(split_bytes(Regex(GPT2), "removed", invert=True))
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        yield f"literal-{behavior}", byte_level(split_bytes(" ", behavior))
    yield "literal-inverted", byte_level(split_bytes("a", "merged_with_next", invert=True))
    yield "gemma", characters(pre.Split("\u2581", "merged_with_next"), True, True)
    yield "gemma-whole", characters(pre.Split(" ", "merged_with_previous"), True, True)
    yield "unknown-fused", characters(pre.Split("\u2581", "merged_with_next"), False, True, normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]))
    yield "unknown-apart", characters(pre.Split("\u2581", "contiguous"), False, False)


def write_cases(tokenizer, count, seed, path, extra=EXTRA):
    lines = text_lines.lines(count, seed, extra)
    plain = [e.ids for e in tokenizer.encode_batch(lines, add_special_tokens=False)]
    special = [e.ids for e in tokenizer.encode_batch(lines, add_special_tokens=True)]
    cases = {
        "lines": lines,
        "ids": plain,
        "decoded": [tokenizer.decode(ids, skip_special_tokens=False) for ids in plain],
        "decoded_without_special": [tokenizer.decode(ids, skip_special_tokens=True) for ids in plain],
        "vocabulary_size": tokenizer.get_vocab_size(),
    }
    if special != plain:
        cases["ids_with_special"] = special
    with open(path, "w") as file:
        json.dump(cases, file, separators=(",", ":"))


def load(folder):
    if os.path.exists(f"{folder}/tokenizer.json"):
        return Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer = Tokenizer(models.BPE.from_file(f"{folder}/vocab.json", f"{folder}/merges.txt"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer


def main():
    if sys.argv[1:2] == ["--real"]:
        os.makedirs(f"{HERE}/real", exist_ok=True)
        for folder in sys.argv[2:]:
            write_cases(load(folder), 80, 9, f"{HERE}/real/{os.path.basename(folder.rstrip('/'))}.json")
        return
    if sys.argv[1:2] == ["--check"]:
        out = sys.argv[2]
        for name, tokenizer in tokenizers():
            os.makedirs(f"{out}/own-{name}", exist_ok=True)
            tokenizer.save(f"{out}/own-{name}/tokenizer.json")
            write_cases(tokenizer, 3000, 77, f"{out}/own-{name}/cases.json")
        for name, tokenizer in marked_tokenizers():
            os.makedirs(f"{out}/own-{name}", exist_ok=True)
            tokenizer.save(f"{out}/own-{name}/tokenizer.json")
            write_cases(tokenizer, 3000, 79, f"{out}/own-{name}/cases.json", MARKED_EXTRA)
        for folder in sys.argv[3:]:
            target = f"{out}/{os.path.basename(folder.rstrip('/'))}"
            os.makedirs(target, exist_ok=True)
            for name in ["tokenizer.json", "vocab.json", "merges.txt"]:
                if os.path.exists(f"{folder}/{name}"):
                    shutil.copy(f"{folder}/{name}", target)
            write_cases(load(folder), 3000, 78, f"{target}/cases.json")
        return
    for name, tokenizer in tokenizers():
        os.makedirs(f"{HERE}/{name}", exist_ok=True)
        tokenizer.save(f"{HERE}/{name}/tokenizer.json", pretty=False)
        write_cases(tokenizer, 60, 7, f"{HERE}/{name}/cases.json")
    for name, tokenizer in marked_tokenizers():
        os.makedirs(f"{HERE}/{name}", exist_ok=True)
        tokenizer.save(f"{HERE}/{name}/tokenizer.json", pretty=False)
        write_cases(tokenizer, 60, 7, f"{HERE}/{name}/cases.json", MARKED_EXTRA)


if __name__ == "__main__":
    main()

"""Writes what the `tokenizers` library makes of 2,200 varied lines with the tokenizers that others made, as checksums.

    python make_real.py                  `real/lines.json`, `real/marks.json` and `real/invalid.json`
    python make_real.py NAME=DIR...      also `real/NAME.sums.json` with the tokenizer in each DIR
"""

import json
import random
import sys

import varied_lines
from make_fixtures import HERE, load

GROUP = 10


def checksum(chunks):
    """FNV-1a of 64 bits over some bytes, cut to 32 bits."""
    value = 0xCBF29CE484222325
    for byte in b"".join(chunks):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{(value ^ value >> 32) & 0xFFFFFFFF:08x}"


def sums(items):
    return [checksum(items[start : start + GROUP]) for start in range(0, len(items), GROUP)]


def of_ids(rows):
    return sums([b"".join(id.to_bytes(4, "little") for id in row) + b"\xff" * 4 for row in rows])


def of_texts(texts):
    return sums([text.encode() + b"\xff" for text in texts])


def invalid(count=300, seed=5):
    """Bytes that are mostly not UTF-8, and the text that Python reads in them."""
    rng = random.Random(seed)
    parts = [b"a", b" the", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f", b"\xf0\x9f\x98", b"\x80", b"\xbf", b"\xff", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88", b"\xfe", b"\xe0\xa4", b"\xf1\x80\x80", b"\n"]
    result = []
    for index in range(count):
        if index % 3 == 0:
            data = bytes(rng.randrange(256) for _ in range(rng.randint(1, 12)))
        else:
            data = b"".join(rng.choice(parts) for _ in range(rng.randint(1, 8)))
        result.append([data.hex(), data.decode(errors="replace")])
    return result


def long_marks(count=40, seed=6):
    """Long rows of combining marks out of order, and Tibetan vowels that are written in two ways."""
    rng = random.Random(seed)
    below, above = "\u0316\u0323\u0325\u0331", "\u0300\u0301\u0308\u0344\u0302"
    tibetan = "\u0f71\u0f72\u0f73\u0f74\u0f75\u0f80\u0f81\u0f39"
    result = []
    for index in range(count):
        pool = [below + above, below + above + tibetan, tibetan, above + "\u0334\u0345\u05b0\u3099"][index % 4]
        length = rng.randint(1, 6) if index % 4 == 2 else rng.randint(20, 90)
        result.append(rng.choice(["a", "\u00e9", "\u1ea1", "", "\u0f40"]) + "".join(rng.choice(pool) for _ in range(length)) + rng.choice(["", " b", "e\u0301"]))
    return result


def write(name, value):
    with open(f"{HERE}/real/{name}.json", "w") as file:
        json.dump(value, file, separators=(",", ":"), ensure_ascii=False)


def main():
    lines = varied_lines.lines()
    write("lines", {"lines": lines})
    write("invalid", {"cases": invalid()})
    marks = long_marks()
    own = load(f"{HERE}/qwen2")
    write("marks", {"lines": marks, "ids": of_ids([own.encode(line, add_special_tokens=False).ids for line in marks])})
    for argument in sys.argv[1:]:
        name, _, folder = argument.partition("=")
        tokenizer = load(folder)
        plain = [e.ids for e in tokenizer.encode_batch(lines, add_special_tokens=False)]
        special = [e.ids for e in tokenizer.encode_batch(lines, add_special_tokens=True)]
        result = {"ids": of_ids(plain)}
        if special != plain:
            result["ids_with_special"] = of_ids(special)
        for key, skips in [("decoded", False), ("decoded_without_special", True)]:
            result[key] = of_texts([tokenizer.decode(ids, skip_special_tokens=skips) for ids in plain])
        result["vocabulary_size"] = tokenizer.get_vocab_size()
        write(f"{name}.sums", result)


if __name__ == "__main__":
    main()

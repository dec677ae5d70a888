"""Lines of every script and of everything odd, the same for one seed; text of our own, drawn from ranges of code points."""

import random
import unicodedata

SCRIPTS = [
    (0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x250, 0x2AF), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x586), (0x5D0, 0x5EA), (0x620, 0x6FF), (0x710, 0x74F),
    (0x780, 0x7B1), (0x7C0, 0x7FA), (0x800, 0x83E), (0x840, 0x85B), (0x8A0, 0x8FF), (0x900, 0x97F), (0x980, 0x9FE), (0xA01, 0xA76), (0xA81, 0xAFF), (0xB01, 0xB77),
    (0xB82, 0xBFA), (0xC00, 0xC7F), (0xC80, 0xCF2), (0xD00, 0xD7F), (0xD81, 0xDF4), (0xE01, 0xE5B), (0xE81, 0xEDF), (0xF00, 0xFDA), (0x1000, 0x109F), (0x10A0, 0x10FF),
    (0x1100, 0x11FF), (0x1200, 0x139F), (0x13A0, 0x13FD), (0x1400, 0x167F), (0x1681, 0x169C), (0x16A0, 0x16F8), (0x1700, 0x1773), (0x1780, 0x17F9), (0x1800, 0x18AA), (0x1900, 0x1974),
    (0x1980, 0x19DF), (0x1A00, 0x1AAD), (0x1B00, 0x1B7E), (0x1B80, 0x1BFF), (0x1C00, 0x1C7F), (0x1D00, 0x1DBF), (0x1E00, 0x1FFE), (0x2070, 0x209C), (0x2C00, 0x2CF3), (0x2D00, 0x2DDE),
    (0x3041, 0x3096), (0x30A1, 0x30FE), (0x3105, 0x312F), (0x3131, 0x318E), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA48C), (0xA4D0, 0xA62B), (0xA640, 0xA6F7), (0xA720, 0xA7CA),
    (0xA800, 0xA839), (0xA840, 0xA877), (0xA880, 0xA8D9), (0xA930, 0xA95F), (0xA980, 0xA9DF), (0xAA00, 0xAADF), (0xAB30, 0xABF9), (0xAC00, 0xD7A3), (0xF900, 0xFAD9), (0xFB00, 0xFDFB),
    (0xFE70, 0xFEFC), (0xFF01, 0xFFEE), (0x10000, 0x100FA), (0x10280, 0x1031F), (0x10330, 0x1037A), (0x10400, 0x1049D), (0x10800, 0x1085F), (0x10900, 0x1093F), (0x10A00, 0x10A58), (0x11003, 0x1106F),
    (0x11100, 0x11147), (0x11400, 0x11461), (0x11580, 0x115DD), (0x12000, 0x12399), (0x13000, 0x1342E), (0x16800, 0x16A38), (0x1B000, 0x1B122), (0x1D400, 0x1D7FF), (0x1E900, 0x1E959), (0x1EE00, 0x1EEBB),
    (0x20000, 0x2A6DD), (0x2A700, 0x2B734), (0x30000, 0x3134A),
]
SYMBOLS = [(0x21, 0x2F), (0x3A, 0x40), (0xA1, 0xBF), (0x2010, 0x205E), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2190, 0x23FF), (0x2460, 0x27BF), (0x2900, 0x2BFF), (0x3001, 0x303F), (0x1F000, 0x1F0F5), (0x1F100, 0x1F265)]
FACES = [(0x1F600, 0x1F64F), (0x1F300, 0x1F5FF), (0x1F680, 0x1F6C5), (0x1F90C, 0x1F9FF), (0x1FA70, 0x1FA74), (0x2600, 0x26FF)]
MARKS = [(0x300, 0x36F), (0x483, 0x487), (0x591, 0x5BD), (0x64B, 0x65F), (0x93C, 0x94D), (0xE34, 0xE3A), (0xF71, 0xF84), (0x1AB0, 0x1ABE), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0x302A, 0x302F), (0x3099, 0x309A), (0xFE20, 0xFE2F), (0x1D165, 0x1D172)]
SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
TOKENS = [
    "<|endoftext|>", "<|padding|>", "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<s>", "</s>", "<start_of_turn>", "<end_of_turn>", "<unused0>", "<unused98>", "[multimodal]", "<|im_start|>", "<|im_end|>", "<repo_name>", "<file_sep>",
    "<gh_stars>", "<0x0A>", "<0xE2>", "\u2581", "\u2581\u2581", "<h1>", "</td>", "<strong>", "  ", "     ", "\n\n", "\n\n\n\n", "\t\t", "<end_of_image>", "<|endoftext", "endoftext|>", "<start_of_turn", "\u0120", "\u010a", "[INST]", "<|eot_id|>",
]
CODE = [
    "for (int {a} = {n}; {a} < {m}; ++{a}) {{\n\t{b}[{a}] += 0x{n:X};\n}}", "def {a}({b}, *, {c}=None):\n    return {b}[::-1] if {c} else {{'{a}': {n}}}\n", "SELECT {a}, COUNT(*) FROM {b} WHERE {c} >= {n}.{m} -- {a}\r\n", "let {a}: [{b}?] = {c}!.map {{ $0 as? {b} }}",
    "<div id=\"{a}\" class='{b} {c}'>&nbsp;{n}%</div>", "#!/bin/sh\nset -eu; {a}=$({b} --{c}={n} | sed 's/^ *//;s/\\t/ /g')", "{a}->{b}::{c}<{n}>(\"\\u00{n}\\x1b\\n\")", "\\begin{{{a}}} \\frac{{{n}}}{{{m}}} x_{{{b}}}^2 \\\\ \\end{{{a}}}", "{{\"{a}\": [{n}, {m}e-{n}, null], \"{b}\": \"{c}\"}}", "https://www.{a}.example/{b}?{c}={n}&x=%20#{a}",
    "    if {a}_{b} != -{n}:\n\n\n        raise {c}Error(f\"{{{a}!r:>{n}}}\")", "{a}.{b}()\n      .{c}({n}, {m})\n//////// {a} ////////\n/* {b} */ ;;; ### ==== {c} ____",
]
SYLLABLES = "an be cor del er fin gra hol in jo kal lum men nor ou pri qua ren sto tha ul ver wes xi yo zed ing ed tion ly's I'm can't THE It".split(" ")


def pick(rng, ranges):
    """An assigned character of one range; marks and numbers of the range count."""
    start, end = rng.choice(ranges)
    return one(rng, start, end)


def one(rng, start, end):
    while True:
        character = chr(rng.randint(start, end))
        if unicodedata.category(character) not in ("Cn", "Cs", "Co"):
            return character


def name(rng):
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 3))).replace("'", "_")


def words(rng, count):
    return [rng.choice(["", " ", " ", " "]) + "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 3))) for _ in range(count)]


def script(rng, index):
    start, end = SCRIPTS[index % len(SCRIPTS)]
    mixed = rng.random() < 0.3
    parts = []
    for _ in range(rng.randint(2, 6)):
        parts.append("".join(one(rng, start, end) for _ in range(rng.randint(1, 6))))
        if mixed:
            parts.append(rng.choice(words(rng, 1) + [pick(rng, SCRIPTS), pick(rng, SYMBOLS)]))
    return rng.choice([" ", " ", ", ", "", "\n", "-"]).join(parts)


def emoji(rng):
    def face():
        return pick(rng, FACES)

    def sequence():
        kind = rng.randrange(8)
        if kind == 0:
            return face() + chr(rng.randint(0x1F3FB, 0x1F3FF))
        if kind == 1:
            return "\u200d".join(face() + rng.choice(["", "\ufe0f", chr(rng.randint(0x1F3FB, 0x1F3FF))]) for _ in range(rng.randint(2, 4)))
        if kind == 2:
            return "".join(chr(rng.randint(0x1F1E6, 0x1F1FF)) for _ in range(rng.choice([1, 2, 2, 2, 3, 4])))
        if kind == 3:
            return rng.choice("0123456789#*") + "\ufe0f\u20e3"
        if kind == 4:
            return "\U0001f3f4" + "".join(chr(rng.randint(0xE0061, 0xE007A)) for _ in range(rng.randint(2, 5))) + "\U000e007f"
        return face() + rng.choice(["", "", "\ufe0e", "\ufe0f"])

    parts = [rng.choice([sequence(), sequence(), sequence() * rng.randint(2, 4)]) + rng.choice(["", " ", "\u200d", "!"]) for _ in range(rng.randint(1, 5))]
    return "".join(parts + words(rng, rng.randint(0, 2)))


def marks(rng):
    parts = []
    for _ in range(rng.randint(1, 5)):
        base = rng.choice([rng.choice("aeiouAEnstxyz"), pick(rng, SCRIPTS), "", " ", "\u00e9", "\u1ee5", "\uac00", "\u0f73"])
        parts.append(base + "".join(pick(rng, MARKS) for _ in range(rng.choice([1, 1, 2, 3, 5]))))
    return rng.choice(["", " "]).join(parts)


def digits(rng):
    zeros = [0x30, 0x30, 0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x1040, 0x17E0, 0xFF10, 0x1D7CE, 0x1E950]
    parts = []
    for _ in range(rng.randint(1, 6)):
        zero = rng.choice(zeros)
        number = "".join(chr(zero + rng.randrange(10)) for _ in range(rng.randint(1, 9)))
        parts.append(rng.choice([number, number, f"{rng.randint(0, 99999):,}", f"{rng.random():.6g}", f"-{rng.randint(1, 9)}e+{rng.randint(1, 99)}", "\u00bd\u00b2\u2167\u2460", f"{rng.randint(1, 31)}/{rng.randint(1, 12)}/{rng.randint(1900, 2099)}", f"v{rng.randint(0, 9)}.{rng.randint(0, 20)}"]))
    return rng.choice([" ", "", ", ", "x", "\u00a0"]).join(parts)


def code(rng):
    return rng.choice(CODE).format(a=name(rng), b=name(rng), c=name(rng), n=rng.randint(0, 255), m=rng.randint(0, 9999))


def control(rng):
    odd = [chr(rng.randrange(0x20)), "\x7f", chr(rng.randint(0x80, 0x9F)), "\x1b[3" + rng.choice("1234") + "m", "\u00ad", "\u200e", "\u202a", "\u2066", "\ufff9", "\ufffc", "\ufffd", "\ufffe", "\U0001ffff", "\ue000", "\U00100000", "\U000e0001", "\ufe00", "\u034f"]
    return "".join(rng.choice(words(rng, 1) + odd + odd) for _ in range(rng.randint(2, 10)))


def spaces(rng):
    parts = []
    for _ in range(rng.randint(2, 7)):
        parts += words(rng, 1) + [rng.choice(SPACES) * rng.choice([1, 1, 1, 2, 3, 7])] + rng.choice([[], [rng.choice(SPACES)], ["."]])
    return "".join(parts if rng.random() < 0.6 else parts[1:])


def tokens(rng):
    return "".join(rng.choice(words(rng, 1) + [rng.choice(TOKENS), rng.choice(TOKENS), rng.choice(SPACES)]) for _ in range(rng.randint(2, 9)))


def repeats(rng):
    unit = rng.choice([rng.choice("aeszAZ019.,!-_=*#/ \n\t"), rng.choice(["ab", "the", "==", " a", "\r\n", "-=", "10", "\u0301", "\u00a0", "\u3042", "\u2581"]), pick(rng, SCRIPTS), pick(rng, FACES)])
    return rng.choice(["", "x", " "]) + unit * rng.choice([8, 15, 16, 17, 31, 33, 64, 100, 257]) + rng.choice(["", "y", " "])


def mixture(rng):
    makers = [emoji, marks, digits, control, spaces, tokens]
    return "".join(words(rng, 1)) + "".join(rng.choice(makers)(rng)[: rng.randint(3, 16)] for _ in range(rng.randint(2, 4))) + pick(rng, SYMBOLS) * rng.randint(1, 3)


def lines(count=2200, seed=2026):
    """`count` lines, of each kind in turn."""
    rng = random.Random(seed)
    result = []
    for index in range(count):
        kind = index % 11
        if kind < 2:
            result.append(script(rng, index // 11 * 2 + kind))
        else:
            maker = [emoji, marks, digits, code, control, spaces, tokens, repeats, mixture][kind - 2]
            # Repeated text takes much room, so it is every third time only.
            result.append(maker(rng) if maker is not repeats or index // 11 % 3 == 0 else mixture(rng))
    return result

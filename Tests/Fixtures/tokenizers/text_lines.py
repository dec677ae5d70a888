"""Varied lines of text, the same for one seed: every script, marks, digits, code, odd white space."""

import random
import unicodedata

CONTRACTIONS = ["don't", "I'LL", "we've", "they'Re", "it's", "IT'S", "he'd", "'tis", "'\u017f", "x'\u017fy", "'S", "''s", "'", "I'm", "'ve'VE", "'L", "'r"]
CODE = ["def f(x):\n    return x**2", "if (a==b) {\r\n\tc += 1;\r\n}", "<div class=\"a\">&nbsp;</div>", "x=1;;;y--", "#include <stdio.h>\n\n\n", "a_b_c __init__ $HOME/.x", "\\n\\t", "{{%}} [[]] ((--))", "SELECT * FROM t;\t\t-- c", "0x1F 1e-5 3.14159 1,234,567"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\u00a0", "\u2003", "\u3000", "\u200b", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\u202f", "\u1680", "\ufeff", "\x1c", "\x1f", "    ", " \n ", "\n  ", "\t \t", "                              ", "\u180e"]
DIGITS = ["0", "7", "42", "123", "1234", "12345678", "٣٤٥", "４２", "²", "½", "Ⅳ", "①②", "𝟘𝟙", "๓", "零", "1٣½", "१२३४५"]
MARKS = ["e\u0301", "\u00e9", "a\u0323\u0302", "a\u0302\u0323", "\u212b", "\u0344", "\u0958", "\u1100\u1161\u11a8", "\uac00\u11a8", "\u0301", " \u0301", "o\u031b\u0323", "\u1e9b\u0323", "\u2126", "\u0fb2\u0f81", "\u05d0\u05b7", "नि", "ก็", "\U0001d15e", "\uf900", "\ufb1d", "ﬁ", "ŉ"]
EMOJI = ["😀", "👨‍👩‍👧‍👦", "🇩🇪", "👍🏽", "❤️", "☃", "🏴\U000e0067\U000e0062\U000e007f", "✈︎", "1️⃣", "♥"]
CONTROL = ["\x00", "\x01", "\x7f", "\x1b[0m", "\u200e", "\u202e", "\ufffd", "\ufffe", "\U0010ffff", "\ue000", "\U000f0000"]
SCRIPTS = ["Привет мир", "你好，世界。", "こんにちはカタカナ", "안녕하세요", "مرحبا بالعالم", "שלום עולם", "नमस्ते दुनिया", "ภาษาไทย", "ქართული", "Ελληνικά ΣΊΣΥΦΟΣ", "አማርኛ", "தமிழ்", "ᏣᎳᎩ", "𐌲𐌿𐍄", "𝒜𝓫𝔠", "ÀÉÎõü ß ẞ", "İıſK", "ʰʲʷ ªº", "DžLjǅ"]
SYLLABLES = ["ba", "ti", "on", "re", "the", "in", "st", "er", "qu", "lo", "mi", "ed", "ing", "a", "X", "Th"]


def assigned():
    """Every scalar that Unicode 3.2 already had, so that no library's age matters."""
    old = unicodedata.ucd_3_2_0
    return [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and old.category(chr(c)) not in ("Cn", "Cs", "Co")]


def word(rng):
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4)))


def lines(count, seed, extra=()):
    """`count` lines; `extra` are the added tokens to strew in."""
    rng = random.Random(seed)
    alphabet = assigned()
    pools = [CONTRACTIONS, CODE, SPACES, SPACES, SPACES, DIGITS, DIGITS, MARKS, MARKS, EMOJI, CONTROL, SCRIPTS]
    if extra:
        pools += [list(extra)] * 4
    fixed = ["", " ", "\n", "a", "  ", " a", "a ", "\u0301", "'s", "\r\n\r\n", "    if x:\n        y", "   \n", "x   ", "\u3000a"]
    result = fixed[: max(0, count)]
    while len(result) < count:
        parts = []
        for _ in range(rng.randint(1, 14)):
            kind = rng.random()
            if kind < 0.35:
                parts.append((" " if rng.random() < 0.7 else "") + word(rng))
            elif kind < 0.45:
                parts.append("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 4))))
            elif kind < 0.5:
                parts.append(rng.choice("!?.,;:-_/()[]{}<>@#%&*+=~`^|\\\"") * rng.randint(1, 5))
            else:
                parts.append(rng.choice(rng.choice(pools)))
        result.append("".join(parts))
    return result

#!/usr/bin/env python3
"""Asks the reference (the `tokenizers` package for Python) what it knows about every code point.

    probe_reference.py           writes reference.txt beside this file
    probe_reference.py --check   fails when reference.txt is not what the installed reference says

The reference mixes several editions of Unicode (general categories of an old one, decompositions and cases of newer
ones), so no single edition of the standard can stand in for it: what counts is what it does. `reference.txt` is the
source that generate-tables.mjs turns into C++ tables.
"""

import pathlib
import struct
import sys
import unicodedata

import tokenizers
from tokenizers import Regex
from tokenizers.normalizers import NFC, NFD, NFKC, NFKD, BertNormalizer, Lowercase, Nmt, Precompiled, Strip, StripAccents
from tokenizers.pre_tokenizers import BertPreTokenizer, Digits, Punctuation, Split, Whitespace, WhitespaceSplit

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
FILE = pathlib.Path(__file__).with_name("reference.txt")


def bert(**flags):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return BertNormalizer(**{**off, **flags}).normalize_str


def where(test):
    return [c for c in CODE_POINTS if test(chr(c))]


def word_characters():
    """What a `single_word` token may not touch: \\w of the reference's regular expressions."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece({"[UNK]": 0, "X": 1}, unk_token="[UNK]"))
    tokenizer.add_tokens([tokenizers.AddedToken("X", single_word=True, normalized=False)])
    return where(lambda c: tokenizer.encode("X" + c, add_special_tokens=False).ids[0] != 1)


def strippable_characters():
    """What `lstrip` and `rstrip` swallow: \\s of the reference's regular expressions."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece({"[UNK]": 0, "X": 1}, unk_token="[UNK]"))
    tokenizer.add_tokens([tokenizers.AddedToken("X", rstrip=True, normalized=False)])
    return where(lambda c: tokenizer.encode("X" + c, add_special_tokens=False).ids == [1])


def combining_classes(nfd):
    """Canonical ordering swaps (x, y) exactly when class(x) > class(y) > 0: compare with a known mark of each class."""
    swaps = lambda x, y: x != y and nfd("a" + x + y) == "a" + y + x
    known = {1: "\u0334"}
    for c in map(chr, CODE_POINTS):
        if unicodedata.combining(c) > 1 and swaps(c, known[1]):
            known.setdefault(unicodedata.combining(c), c)
    low, high = known[min(known)], known[max(known)]
    marks = where(lambda c: nfd(c) == c and (swaps(high, c) or swaps(c, low) or c == high))
    classes = {}
    for c in map(chr, marks):
        equal = [k for k, mark in known.items() if not swaps(mark, c) and not swaps(c, mark)]
        assert len(equal) == 1, f"U+{ord(c):04X}: no mark of its class is known"
        classes[ord(c)] = equal[0]
    return classes


CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()


def matched(pattern):
    """The code points that a class of the reference's regular expressions has."""
    text = "".join(map(chr, CODE_POINTS))
    runs = Split(Regex(pattern + "+"), "removed", invert=True).pre_tokenize_str(text)
    return [ord(c) for _, (begin, end) in runs for c in text[begin:end]]


def categories():
    """General categories as the reference's regular expressions know them."""
    found = {}
    for name in CATEGORIES:
        for c in matched(rf"\p{{{name}}}"):
            assert c not in found, f"U+{c:04X} is {found[c]} and {name}"
            found[c] = name
    assert len(found) == len(CODE_POINTS)
    return found


def compositions(nfc, nfd):
    """The pairs that canonical composition joins, Hangul left out. (composed: pair)"""
    pairs = {}
    for c in CODE_POINTS:
        parts = nfd(chr(c))
        if 0xAC00 <= c < 0xD7A4 or len(parts) < 2 or nfc(parts) != chr(c):
            continue
        first = nfc(parts[:-1])
        assert len(first) == 1 and nfc(first + parts[-1]) == chr(c), f"U+{c:04X}"
        pairs[c] = first + parts[-1]
    return pairs


def charsmap(key):
    """A Precompiled normalizer that turns `key` into X: a double array of one string, a block of 256 units a byte."""
    leaf, value = 1 << 8, 1 << 31
    data = key.encode()
    units = [0] * (256 * (len(data) + 2))
    at = 0
    units[0] = 256 << 10
    for i, byte in enumerate(data):
        at = (at ^ (units[at] >> 10)) ^ byte
        is_last = i + 1 == len(data)
        # The children of a unit lie where its number and its offset differ: in the next block.
        target = 256 * (i + 2)
        units[at] = byte | (leaf if is_last else 0) | (at ^ target) << 10
        if is_last:
            units[target] = value
    array = struct.pack(f"<{len(units)}I", *units)
    return Precompiled(struct.pack("<I", len(array)) + array + b"X\0").normalize_str


def graphemes():
    """What joins the character before it to one grapheme, and what nothing joins."""
    a = charsmap("a")
    extends = where(lambda c: a("a" + c) == "X")
    joined = "\u0301"
    assert ord(joined) in extends
    alone = []
    for c in CODE_POINTS:
        if unicodedata.category(chr(c)) not in ("Cc", "Cf", "Zl", "Zp", "Cn") or c in (0xD, 0):
            continue
        if len(chr(c).encode()) <= 3 and charsmap(chr(c))(chr(c) + joined) != "X":
            alone.append(c)
    return extends, alone


def ranges(items):
    """Runs of consecutive code points with one value; items is {code point: value}."""
    first = last = None
    for c in sorted(items):
        if last is not None and c == last + 1 and items[c] == items[first]:
            last = c
            continue
        if first is not None:
            yield first, last, items[first]
        first = last = c
    if first is not None:
        yield first, last, items[first]


def section(name, comment, lines):
    return [f"# {comment}", f"[{name}]", *lines, ""]


def spans(code_points):
    return [f"{a:04X}" if a == b else f"{a:04X}..{b:04X}" for a, b, _ in ranges(dict.fromkeys(code_points))]


def valued_spans(items):
    return [(f"{a:04X}" if a == b else f"{a:04X}..{b:04X}") + f" {v}" for a, b, v in ranges(items)]


def probe():
    nfd, lower = NFD().normalize_str, Lowercase().normalize_str
    clean, strip, chinese = bert(clean_text=True), bert(strip_accents=True), bert(handle_chinese_chars=True)
    split = BertPreTokenizer().pre_tokenize_str

    spaces = where(lambda c: split(c) == [])
    dropped = where(lambda c: clean(c) == "")
    punctuation = where(lambda c: len(split("a" + c + "a")) == 3)
    marks = where(lambda c: nfd(c) == c and strip(c) == "")
    classes = combining_classes(nfd)
    hangul = range(0xAC00, 0xD7A4)
    decompositions = {c: nfd(chr(c)) for c in CODE_POINTS if nfd(chr(c)) != chr(c)}
    lowercase = {c: lower(chr(c)) for c in CODE_POINTS if lower(chr(c)) != chr(c)}

    nfc, nfkd, nfkc = NFC().normalize_str, NFKD().normalize_str, NFKC().normalize_str
    compatibility = {c: nfkd(chr(c)) for c in CODE_POINTS if nfkd(chr(c)) != nfd(chr(c))}
    composed = compositions(nfc, nfd)
    digits, stripped = Digits().pre_tokenize_str, StripAccents().normalize_str
    numeric = where(lambda c: len(digits("a" + c + "a")) == 3)
    accents = where(lambda c: stripped(c) == "")
    nmt = Nmt().normalize_str
    nmt_changes = {c: nmt(chr(c)) for c in CODE_POINTS if nmt(chr(c)) != chr(c)}

    extends, alone = graphemes()

    # What the C++ takes for granted.
    words = Whitespace().pre_tokenize_str
    assert set(word_characters()) == set(where(lambda c: [w for w, _ in words("a" + c)] == ["a" + c]))
    assert set(spaces) == set(where(lambda c: words(c) == []))
    assert set(spaces) == set(where(lambda c: WhitespaceSplit().pre_tokenize_str(c) == []))
    assert set(spaces) == set(where(lambda c: Strip().normalize_str(c) == ""))
    assert set(spaces) == set(matched(r"\s"))
    marked = Punctuation().pre_tokenize_str
    assert set(punctuation) == set(where(lambda c: len(marked("a" + c + "a")) == 3))
    assert set(nmt_changes.values()) <= {"", " "}
    for c in CODE_POINTS:
        assert nfkc(chr(c)) == nfc(nfkd(chr(c))), f"U+{c:04X}"
    mark_set = set(marks)
    assert set(spaces) == set(strippable_characters())
    for c in CODE_POINTS:
        if clean(chr(c)) not in ("", chr(c)):
            assert clean(chr(c)) == " " and c in spaces
    assert set(spaces) - set(dropped) == {c for c in spaces if clean(chr(c)) == " "}
    for c, d in decompositions.items():
        assert strip(chr(c)) == "".join(x for x in d if ord(x) not in mark_set), f"U+{c:04X}"
    for s in hangul:
        i = s - 0xAC00
        jamo = [0x1100 + i // 588, 0x1161 + i % 588 // 28] + ([0x11A7 + i % 28] if i % 28 else [])
        assert decompositions.pop(s) == "".join(map(chr, jamo)), f"U+{s:04X}"
    for c in {*spaces, *punctuation}:
        # Texts are cut at these before they are normalized: they must stay what they are, and stand between marks.
        assert len(nfd(chr(c))) == 1 and lower(nfd(chr(c))) == nfd(chr(c)), f"U+{c:04X}"
        assert (ord(nfd(chr(c))) in spaces) == (c in spaces) and c not in classes, f"U+{c:04X}"
        assert c in spaces or ord(nfd(chr(c))) in punctuation, f"U+{c:04X}"
    special_case = {c: s for c, s in lowercase.items() if len(s) != 1}
    assert special_case == {0x130: "i\u0307"}
    del lowercase[0x130]

    out = [
        "# What the reference does with each code point: written by probe_reference.py, read by generate-tables.mjs.",
        f"# Reference: the Python package `tokenizers` {tokenizers.__version__}.",
        "",
    ]
    out += section("dropped", "Removed by clean_text.", spans(dropped))
    out += section("space", "Separates words; clean_text turns it into U+0020.", spans(spaces))
    out += section("punctuation", "A word of its own.", spans(punctuation))
    out += section("ideograph", "Set between spaces by handle_chinese_chars.", spans(where(lambda c: chinese(c) != c)))
    out += section("mark", "Removed by strip_accents after decomposition.", spans(marks))
    out += section("word", "May not touch a single_word token.", spans(word_characters()))
    out += section("combining_class", "Canonical combining class where it is not 0.",
                   valued_spans(classes))
    out += section("lowercase", "Distance to the lower case; U+0130, which becomes two code points, is not here.",
                   valued_spans({c: f"{ord(s) - c:+d}" for c, s in lowercase.items()}))
    out += section("decomposition", "Full canonical decomposition, Hangul syllables (computed) left out.",
                   [f"{c:04X} " + " ".join(f"{ord(x):04X}" for x in d) for c, d in decompositions.items()])
    out += section("compatibility", "Full compatibility decomposition where it is another than the canonical one.",
                   [f"{c:04X} " + " ".join(f"{ord(x):04X}" for x in d) for c, d in compatibility.items()])
    out += section("composition", "What two code points are composed to, Hangul syllables (computed) left out.",
                   [f"{ord(pair[0]):04X} {ord(pair[1]):04X} {c:04X}" for c, pair in composed.items()])
    out += section("category", "General category in regular expressions; Cn is left out.",
                   valued_spans({c: name for c, name in categories().items() if name != "Cn"}))
    out += section("numeric", "A digit of the pre-tokenizer Digits.", spans(numeric))
    out += section("accent", "Removed by the normalizer StripAccents.", spans(accents))
    out += section("nmt_removed", "Removed by the normalizer Nmt.", spans([c for c, s in nmt_changes.items() if s == ""]))
    out += section("nmt_space", "Turned into U+0020 by the normalizer Nmt.",
                   spans([c for c, s in nmt_changes.items() if s == " "]))
    out += section("extend", "Joins the character before it to one grapheme.", spans(extends))
    out += section("alone", "Joined by nothing that follows, among characters of at most 3 bytes.", spans(alone))
    return "\n".join(out)


def main():
    text = probe()
    if "--check" in sys.argv[1:]:
        if FILE.read_text(encoding="utf-8") != text:
            sys.exit(f"{FILE.name} is not what tokenizers {tokenizers.__version__} does; run {pathlib.Path(__file__).name}")
        print(f"{FILE.name} is what tokenizers {tokenizers.__version__} does")
        return
    FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

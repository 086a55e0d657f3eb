"""Which of the encodings before Unicode a text is in, told by how surprising its words would be in each.

The surprise of a character is -log2 of its share in the texts of a language, roughly: little for one in
everyday use, more for a rare one, much for one outside the standard. All encodings explain the same bytes,
so their sums over the distinct words compare as likelihoods do. The least surprising encoding is sure where
it is ahead by far and its words are plausible; a wrong one would change labels without an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from descend.data.sources.everyday_characters import HANGUL, KANJI, SIMPLIFIED, TRADITIONAL

_AHEAD = 15.0  # bits: all others are 30,000 times less likely
_LIKELY = 20.0  # bits behind the first, within which others are named
_MOST_LIKELY = 3
_MOST_WORDS = 3_000
# Bits of characters that belong to no language: ASCII, signs, those outside a language's own standard.
_ASCII, _SIGN, _OUTSIDE = 5.0, 13.0, 24.0
_MIXED = 10.0  # bits where two scripts meet within a word
_CASE = 4.0  # bits a letter of a word in mixed case


@dataclass(frozen=True)
class _Encoding:
    """An encoding that a text may be in.

    name : Python's and iconv's. bits : how surprising a word is in its languages.
    most : the bits that a character beyond ASCII has in their texts, on average, at most.
    """

    name: str
    bits: Callable[[str], float]
    most: float


def likely_encodings(sample: bytes) -> tuple[list[str], bool]:
    """The names of the likely encodings, the likeliest first, and whether that one is sure."""
    # None of these separators is a part of a longer character in any of the encodings.
    words = [word for word in {*re.split(rb'[,;\t\n\r "]+', sample)} if not word.isascii()]
    words = sorted(words)[:_MOST_WORDS]
    found = []
    for place, encoding in enumerate(_ENCODINGS):
        try:
            texts = [word.decode(encoding.name) for word in words]
        except UnicodeDecodeError:
            continue
        bits = sum(map(encoding.bits, texts))
        letters = "".join(texts)
        beyond = len(re.findall(r"[^\x00-\x7f]", letters))
        plausible = bits - _ASCII * (len(letters) - beyond) <= encoding.most * beyond
        found.append((bits, place, texts, plausible))
    found.sort()
    likely: dict[str, str] = {}  # the first of those in which all reads alike
    for bits, place, texts, plausible in found:
        if plausible and bits <= found[0][0] + _LIKELY:
            likely.setdefault("\n".join(texts), _ENCODINGS[place].name)
    rivals = [bits for bits, _, texts, _ in found if texts != found[0][2]]
    ahead = all(bits - found[0][0] >= _AHEAD for bits in rivals)
    sure = len(words) > 1 and bool(found) and found[0][3] and ahead
    return [*likely.values()][:_MOST_LIKELY], sure


def _in_ideographs(
    everyday: Collection[str], own: float, standard: str, second: int
) -> Callable[[str], float]:
    """Bits of words in Chinese or Japanese.

    everyday : characters that cost ``own`` bits. standard : encoding of the national standard, whose first
    bytes are below ``second`` for its usual characters and from there on for its rare ones.
    """

    def of(character: str) -> float:
        if character in everyday:
            return own
        if not character.isalpha():
            return _SIGN if character.isprintable() else 10 * _OUTSIDE
        lead = _first_byte(character, standard)
        return _OUTSIDE if lead is None else own + (4.5 if lead < second else 8.5)

    return lambda word: _mixed(word) + sum(_ASCII if each.isascii() else of(each) for each in word)


def _in_hangul(word: str) -> float:
    """Bits of a word in Korean, in which Chinese characters have become rare."""

    def of(character: str) -> float:
        if character in HANGUL:
            return 8.7
        if "가" <= character <= "힣":
            return 20.0 if _first_byte(character, "euc_kr") is None else 14.4
        return 20.0 if character.isalpha() else _SIGN

    return _mixed(word) + sum(_ASCII if each.isascii() else of(each) for each in word)


def _in_alphabet(frequent: str) -> Callable[[str], float]:
    """Bits of words in a language, whose letters are given from the most frequent to the rarest."""
    script = re.compile(f"[{min(frequent)}-{max(frequent)}]")

    def of(letter: str) -> float:
        if letter in frequent:
            return 3.2 + 0.15 * frequent.index(letter)
        return 9.0 if script.match(letter) else _SIGN

    return lambda word: (
        _case(word) + _mixed(word) + sum(_ASCII if each.isascii() else of(each) for each in word.lower())
    )


def _in_latin(word: str) -> float:
    """Bits of a word in a language of Latin letters: those with accents stand among plain ones."""
    bits = _case(word)
    for place, character in enumerate(word):
        plain = re.search("[a-zA-Z]", word[max(0, place - 2) : place + 3])
        within = word[max(0, place - 1) : place].isalpha() and word[place + 1 : place + 2].isalpha()
        if character.isascii():
            bits += _ASCII
        elif "À" <= character <= "ž" and character.isalpha():
            bits += 7.0 if plain else 16.0
        else:
            bits += 9.0 if character in "€°±²³µ§£" and not within else _OUTSIDE
    return bits


def _case(word: str) -> float:
    """Bits of the parts that are neither small, nor capital, nor capitalised."""
    parts = [part for part in re.findall(r"[^\W\d_]+", word) if not part.isascii()]
    mixed = (part for part in parts if part not in (part.lower(), part.upper(), part.title()))
    return _CASE * sum(map(len, mixed))


def _mixed(word: str) -> float:
    """Bits of the places where small Latin letters touch those of another script."""
    return _MIXED * len(re.findall(r"[a-z](?=[^\x00-\x7f])|[^\x00-\x7f](?=[a-z])", word))


def _first_byte(character: str, codec: str) -> int | None:
    try:
        return character.encode(codec)[0]
    except UnicodeEncodeError:
        return None


_KANA = frozenset(map(chr, range(0x3041, 0x30FF)))
_JAPANESE = _in_ideographs(KANJI | _KANA, 9.7, "euc_jp", 0xD0)
_TAIWANESE = _in_ideographs(TRADITIONAL, 9.9, "big5", 0xC9)
_RUSSIAN = _in_alphabet("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё")
_GREEK = _in_alphabet("αοιετσνηυρπκμλωςγδθχφβξζψάέήίόύώϊϋ")
_THAI = _in_alphabet("านรกอเงมยลวดทสต่ปิบัคห้ีแพุชโูใขไจผะำ์ถญธซศฉภณษฟฮฆฐฬึื็ฎฏฑฒฌฝๆ")
_HEBREW = _in_alphabet("יוהלארתבשמנםכחעדקפטזגסצןךףץ")
_ENCODINGS = (
    _Encoding("GB18030", _in_ideographs(SIMPLIFIED, 9.7, "gb2312", 0xD8), 13.2),
    _Encoding("GB18030", _TAIWANESE, 13.2),
    _Encoding("BIG5", _TAIWANESE, 13.2),
    _Encoding("CP932", _JAPANESE, 13.2),
    _Encoding("EUC-JP", _JAPANESE, 13.2),
    _Encoding("CP949", _in_hangul, 11.5),
    _Encoding("CP1251", _RUSSIAN, 5.6),
    _Encoding("KOI8-U", _RUSSIAN, 5.6),
    _Encoding("CP866", _RUSSIAN, 5.6),
    _Encoding("MAC-CYRILLIC", _RUSSIAN, 5.6),
    _Encoding("CP1253", _GREEK, 5.6),
    _Encoding("CP737", _GREEK, 5.6),
    _Encoding("CP1255", _HEBREW, 5.6),
    _Encoding("CP874", _THAI, 5.6),
    _Encoding("CP1252", _in_latin, 9.5),
    _Encoding("CP1250", _in_latin, 9.5),
    _Encoding("CP1254", _in_latin, 9.5),
    _Encoding("CP1257", _in_latin, 9.5),
    _Encoding("ISO-8859-2", _in_latin, 9.5),
    _Encoding("CP850", _in_latin, 9.5),
    _Encoding("CP852", _in_latin, 9.5),
    _Encoding("MACINTOSH", _in_latin, 9.5),
)

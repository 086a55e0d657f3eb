"""Encodings are told with confidence, or the file is refused; never are labels changed."""

from __future__ import annotations

import pytest

from descend.data.sources.csv_table import parse_csv
from descend.errors import DataError

WORDS = {
    "chinese": ("面积,城市,结果\n", ["80,北京,合格", "95,上海,不合格", "60,广州,合格"]),
    "names": ("姓名,性别,分数\n", ["王伟,男,1", "李娜,女,2", "赵敏,女,3", "欧阳锋,男,4", "诸葛亮,男,5"]),
    "taiwanese": ("姓名,性別,分數\n", ["台北,男,合格", "高雄,女,不合格", "臺中,男,合格"]),
    "japanese": ("名前,性別,点数\n", ["東京,男,合格", "大阪,女,不合格", "京都,男,合格"]),
    "kana": ("なまえ,けっか\n", ["たろう,はい", "はなこ,いいえ"]),
    "korean": ("이름,성별,점수\n", ["서울,남자,합격", "부산,여자,불합격", "대구,남자,합격"]),
    "russian": ("город,пол,итог\n", ["Москва,муж,да", "Омск,жен,нет", "Тула,муж,да"]),
    "even": ("name,x,y\n", ["Омск,0,да", "Тула,1,нету", "Самара,2,да", "Псков,3,нету"]),
    "greek": ("πόλη,φύλο,y\n", ["Αθήνα,άνδρας,ναι", "Πάτρα,γυναίκα,όχι"]),
    "german": ("Größe,Länge,y\n", ["groß,übrig,ja", "klein,für,nein"]),
    "polish": ("płeć,miasto,y\n", ["kobieta,Łódź,żółty", "mężczyzna,Kraków,świeży"]),
    "french": ("prénom,âge,y\n", ["très,élevé,ça", "là,où,été"]),
    "czech": ("město,věk,y\n", ["muž,vysoký,žlutý", "žena,nízký,červený"]),
    "thai": ("เมือง,เพศ\n", ["ใช่,ชาย", "ไม่,หญิง"]),
    "arabic": ("مدينة,جنس\n", ["نعم,رجل", "لا,امرأة"]),
}
READ = [
    ("chinese", "gb18030"), ("names", "gb18030"), ("taiwanese", "big5"), ("japanese", "cp932"),
    ("japanese", "euc-jp"), ("kana", "cp932"), ("kana", "euc-jp"), ("korean", "cp949"),
    ("russian", "cp1251"), ("russian", "koi8-r"), ("russian", "cp866"), ("russian", "mac-cyrillic"),
    ("even", "cp1251"), ("even", "koi8-r"), ("greek", "cp1253"), ("german", "cp1252"), ("german", "cp850"),
    ("german", "macintosh"), ("polish", "cp1250"), ("polish", "iso-8859-2"),
]  # fmt: skip
REFUSED = [("french", "cp1252"), ("czech", "cp1250"), ("thai", "cp874"), ("arabic", "cp1256")]


def text_of(words: str) -> str:
    header, rows = WORDS[words]
    return header + "\n".join(rows) + "\n"


@pytest.mark.parametrize(("words", "encoding"), READ)
def test_older_encodings_that_can_be_told(words: str, encoding: str) -> None:
    table = parse_csv(text_of(words).encode(encoding), "t")
    assert table.fingerprint() == parse_csv(text_of(words).encode(), "t").fingerprint()
    (note,) = table.notes
    assert note.startswith("the text is not UTF-8 and was read as ")


@pytest.mark.parametrize(("words", "encoding"), REFUSED)
def test_others_are_refused(words: str, encoding: str) -> None:
    with pytest.raises(DataError, match="t, line 1: the text is not UTF-8") as caught:
        parse_csv(text_of(words).encode(encoding), "t")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "encoding",
    ["gb18030", "big5", "cp932", "euc-jp", "cp949", "cp1251", "koi8-r", "cp866", "mac-cyrillic", "cp1250",
     "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp850", "cp437", "macintosh", "cp737",
     "iso-8859-5", "cp874", "utf-7", "utf-16-le", "utf-16-be", "utf-32"],
)  # fmt: skip
def test_no_label_is_changed(encoding: str) -> None:
    for text in map(text_of, WORDS):
        for few in (text, text.split("\n", 1)[1], "a,b,c\n" + text.split("\n")[1] + "\n"):
            try:
                data = few.encode(encoding)
                table = parse_csv(data, "t")
            except (UnicodeEncodeError, DataError):
                continue
            if not data.isascii():
                assert table.fingerprint() == parse_csv(few.encode(), "t").fingerprint()


def test_the_likely_encodings_are_shown() -> None:
    with pytest.raises(DataError) as caught:
        parse_csv(text_of("french").encode("cp1252"), "t.csv")
    assert str(caught.value) == (
        "t.csv, line 1: the text is not UTF-8 (byte 0xe9), and its encoding cannot be told: it reads 'là' "
        "in CP1252, 'lŕ' in CP1250, 'lą' in CP1257; convert it from the right one, for instance by iconv "
        "-f CP1252 -t UTF-8, or save it as 'CSV UTF-8'"
    )


@pytest.mark.parametrize("words", ["名", "金"])
def test_no_page_of_latin_letters_is_advised_for_others(words: str) -> None:
    for encoding in ("cp932", "big5", "euc-jp"):
        try:
            parse_csv(f"a,b\n{words},1\n".encode(encoding), "t")
        except DataError as error:
            assert "1252" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf16_without_its_mark(order: str) -> None:
    for words in ("chinese", "russian"):
        table = parse_csv(text_of(words).encode(f"utf-16-{order}"), "t")
        assert table.notes == ("read as UTF-16, though it has no byte-order mark",)
        assert table.fingerprint() == parse_csv(text_of(words).encode(), "t").fingerprint()


def test_utf32() -> None:
    assert parse_csv(text_of("chinese").encode("utf-32"), "t").notes == ("read as UTF-32",)


def test_a_stray_byte_late_in_the_file_is_named_by_its_line() -> None:
    text = "a,b\n" + "x,1\n" * 100_000
    with pytest.raises(DataError, match=r"line 100002: the text is not UTF-8 \(byte 0xff\)"):
        parse_csv(text.encode() + b"\xff,1\n", "t")


@pytest.mark.parametrize("words", [each for each in WORDS if each != "even"])
def test_damaged_utf8_is_refused(words: str) -> None:
    data = text_of(words).encode()
    cut = next(data + data[:n] for n in range(len(data), 0, -1) if data[n - 1] >= 0xC3)  # within a character
    for damaged in (cut, data[:-1] + b"\xe5\n", data.replace(b",", b"\xc3,", 1)):
        with pytest.raises(DataError, match="the text is not UTF-8"):
            parse_csv(damaged, "t")

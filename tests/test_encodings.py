"""Texts in any encoding come out to the letter, or with � and a note; never as other letters."""

import pytest

from index.articles.encodings import decode
from index.articles.formats import read_document
from index.text.clean import with_line_ends
from tests.conftest import ROOT

SENTENCES = [
    "Perché Putin è andato a Pyongyang? Così è più chiaro: città, virtù.",
    "La città … è più fredda",
    "caffè",
    "5 €. È",
    "«Non firmo», ha detto l’assessore – e poi: “Andrò via”.",
    "LA CITTÀ È PIÙ BELLA",
    "Le maire a déclaré : « C’est à l’école que ça se décide. »",
    "„Das ist ein großer Tag für die Stadt“, sagte der Bürgermeister von Köln.",
    "The firm’s shares fell – again – and “nobody knows why”.",
]
STORED = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "corpus").glob("*.txt"))]


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "utf-16", "utf-16-le", "utf-8-sig"])
@pytest.mark.parametrize("text", [*SENTENCES, *STORED], ids=lambda text: text[:12])
def test_common_encodings_are_read_to_the_letter(text: str, encoding: str) -> None:
    data = text.encode(encoding, "replace")
    assert decode(data).text == data.decode(encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Il biglietto costerà 12 € in più.", "iso8859-15"),
        ("Le bœuf de l'été", "iso8859-15"),
        ("La città è già più fredda, così.", "cp850"),
        ("Президент России Владимир Путин прибыл в Пхеньян с визитом во вторник.", "cp1251"),
        ("Prezydent ogłosił, że wybory odbędą się w niedzielę, mówi wójt.", "cp1250"),
    ],
)
def test_a_guessed_encoding_is_named(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding))
    assert decoded.text == text
    assert "its encoding is guessed" in decoded.notes[0]


UTF8 = "Così dirà: perché la città è più libera.\nPagherà metà.\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (UTF8.encode() + "Città".encode()[:-1], UTF8 + "Citt�"),  # cut inside a letter
        (UTF8.encode() + b"l\x92altro", UTF8 + "l�altro"),
        (UTF8.encode() + "Andò là già".encode("latin-1"), UTF8 + "And� l� gi�"),
        (UTF8.encode() + "è così già là ".encode("cp1252") * 5, None),  # more strays than letters
        ("città".encode()[:-1], "citt�"),
        (UTF8.encode("utf-16")[:-1], UTF8[:-1] + "�"),
        (UTF8.encode("utf-8-sig") + b"\xff", UTF8 + "�"),
    ],
)
def test_what_is_nearly_utf8_keeps_its_letters(data: bytes, text: str | None) -> None:
    decoded = decode(data)
    assert decoded.text == text or (text is None and decoded.text.startswith(UTF8))
    assert "�" in decoded.text and "shown as �: save it as UTF-8" in decoded.notes[0]


def test_utf8_that_is_declared_as_something_else_is_utf8() -> None:
    assert decode(UTF8.encode(), "cp1252").text == UTF8
    assert decode(UTF8.encode("cp1252"), "cp1252") == decode(UTF8.encode())
    assert decode("三月".encode("iso2022_jp"), "iso2022_jp").text == "三月"


def test_every_line_end_of_unicode_ends_a_line() -> None:
    ends = ["\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"]
    assert with_line_ends("a".join(ends)) == "\na\na\na\na\na\na\n"
    data = "Titolo\u2028Il museo riapre.\u2029Chiude lunedì.".encode()
    assert read_document(data, "a.txt").text == "Titolo\nIl museo riapre.\nChiude lunedì."

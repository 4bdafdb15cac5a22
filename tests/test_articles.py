"""Files become articles; what cannot says why."""

import inspect
import re
import sys

import pytest

from index.articles.article import Article, read_article
from index.articles.formats import read_document
from index.articles.text_files import decode
from index.errors import ArticleError
from tests.conftest import ROOT


def article(text: str | bytes, path: str = "a.txt") -> Article:
    return read_article(text.encode() if isinstance(text, str) else text, path)


def test_text_is_stored_untouched_but_for_front_matter_and_line_ends() -> None:
    stored = article("\ufeff---\r\ntitle: Uno\r\n---\r\n\r\n  Ciao “Kim” .\u00a0\r\nFine.\r\n\r\n")
    assert stored.text == "\n  Ciao “Kim” .\u00a0\nFine.\n\n"
    assert stored.title == "Uno"


def test_front_matter_gives_what_it_knows_and_nothing_more() -> None:
    stored = article(
        "---\ntitle: Uno\nsource: AgenPress\ndate: 2023-09-11\nurl: https://example.org/a\n"
        "language: it\nauthor: Ada\n---\nTesto."
    )
    assert stored == Article(
        "a.txt", "Testo.", "Uno", "AgenPress", "2023-09-11", "https://example.org/a", "it"
    )
    bare = article("Testo.")
    assert (bare.source, bare.date, bare.url, bare.language) == (None, None, None, None)


def test_a_date_that_cannot_be_read_stays_unknown_and_is_told() -> None:
    stored = article("---\ntitle: Uno\ndate: ieri\n---\nTesto.")
    assert (stored.title, stored.date) == ("Uno", None)
    assert read_document(b"---\ndate: ieri\n---\nTesto.", "a.txt").notes == (
        "the date 'ieri' is not read: write YYYY-MM-DD",
    )


def test_a_day_to_come_is_told() -> None:
    document = read_document(b"---\ndate: 2204-05-06\n---\nTesto.", "a.txt")
    assert document.fields == {"date": "2204-05-06"}
    assert document.notes == (
        "the date 2204-05-06 is still to come: it does not count as the newest",
    )


def test_a_title_falls_back_to_the_first_line() -> None:
    assert article("\n\nPrima riga\nSeconda riga").title == "Prima riga"
    long = article("parola " * 50).title
    assert len(long) <= 121 and long.endswith("parola…")


WESTERN = [
    "Perché Putin è andato a Pyongyang? Così è più chiaro: città, virtù.",
    "La città … è più fredda",
    "caffè",
    "5 €. È",
    *(file.read_text(encoding="utf-8") for file in sorted((ROOT / "corpus").glob("*.txt"))),
]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("text", WESTERN, ids=lambda text: text[:12])
def test_other_encodings_are_read_to_the_letter(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_cyrillic_is_not_taken_for_western() -> None:
    text = "Президент России Владимир Путин прибыл в Пхеньян с визитом во вторник вечером."
    assert decode(text.encode("cp1251")) == text


def test_front_matter_is_taken_as_it_is_written() -> None:
    stored = article('---\ntitle: No\nsource: 007\nlanguage: "no"\ndate: 20230911\n---\nTesto.')
    assert (stored.title, stored.source, stored.language) == ("No", "007", "no")
    assert stored.date == "2023-09-11T00:00:00"
    assert article('---\ntitle: "\\uD800x"\n---\nTesto.').title == "?x"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no text"),
        (b" \n\t\n", "no text"),
        (b"---\ntitle: Uno\n---\n", "no text"),
        (b"%PDF\0\0\1\2", "binary"),
        (b"---\ntitle: [a\n---\nTesto.", "front matter is not YAML"),
        (b"---\nsolo testo\n---\nTesto.", "front matter is not a list"),
        (b"---\n" + b"[" * 3000 + b"\n---\nTesto.", "front matter is not YAML"),
        (b"---\nsource: [a, b]\n---\nTesto.", "more than one value for 'source'"),
    ],
)
def test_what_is_no_article_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        article(content)


def test_a_ruler_at_the_top_is_no_front_matter() -> None:
    assert article("---\nUna riga sola, senza chiusura.").text.startswith("---\nUna riga")


def test_markdown_loses_its_marks() -> None:
    stored = article("# Titolo\n\nIl *treno* [blindato](http://x.example) è\npartito.\n", "a.md")
    assert stored.text == "Titolo\n\nIl treno blindato è partito."
    assert stored.title == "Titolo"


def with_little_stack(frames: int) -> Article:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + frames)
    try:
        return article("# Titolo", "a.md")
    finally:
        sys.setrecursionlimit(usual)


def test_what_a_library_stumbles_over_is_no_article_and_says_why() -> None:
    article("# Titolo", "a.md")  # so that nothing has to be imported any more
    for frames in range(10, 100):
        try:
            with_little_stack(frames)
        except RecursionError:  # before the library was reached
            continue
        except ArticleError as error:
            told = r"reading it failed \(RecursionError: .*\.txt"
            assert re.fullmatch(told, str(error))
            return
    pytest.fail("no library stumbled")


def test_other_endings_are_refused() -> None:
    with pytest.raises(ArticleError, match=r"\.docx is not read"):
        article("testo", "a.docx")


def test_markdown_keeps_html_and_numbers() -> None:
    assert (
        article("<div>\n<p>Il treno &egrave; partito.</p>\n</div>", "a.md").text
        == "Il treno è partito."
    )
    assert article("1986. L'anno di Chernobyl.", "a.md").text == "1986. L'anno di Chernobyl."

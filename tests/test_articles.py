"""Files become articles; what cannot says why."""

import inspect
import re
import sys

import pytest

from index.articles.article import Article, read_article
from index.articles.formats import read_document
from index.errors import ArticleError


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


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no text"),
        (b" \n\t\n", "no text"),
        ("\u200b\u00ad\n".encode(), "no text"),
        (b"---\ntitle: Uno\n---\n", "no text"),
        (b"%PDF\0\0\1\2", "binary"),
    ],
)
def test_what_is_no_article_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        article(content)


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


def test_long_titles_and_long_markdown_are_bounded_and_told() -> None:
    stored = read_document(b"---\ntitle: " + b"a" * 10_000 + b"\n---\nTesto.", "a.txt")
    assert len(stored.fields["title"]) == 1000 and "its title has more than" in stored.notes[0]
    marked = "![" * 1_000_000
    stored = read_document(marked.encode(), "a.md")
    assert stored.text == marked and "its Markdown is kept" in stored.notes[0]
    long = "Il *sindaco* ha parlato. " + "La scuola nuova di Osimo apre domani. " * 60_000
    assert read_document(long.encode(), "a.md").text.startswith("Il sindaco ha parlato.")


def test_other_endings_are_refused() -> None:
    with pytest.raises(ArticleError, match=r"\.xlsx is not read"):
        article("testo", "a.xlsx")


def test_markdown_keeps_html_and_numbers() -> None:
    assert (
        article("<div>\n<p>Il treno &egrave; partito.</p>\n</div>", "a.md").text
        == "Il treno è partito."
    )
    assert article("1986. L'anno di Chernobyl.", "a.md").text == "1986. L'anno di Chernobyl."


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Vedi [[strade]] e [[Comune#Giunta|la giunta]].", "Vedi strade e la giunta."),
        ("![[ponte.jpg|300]]\n\nIl ponte.", "ponte.jpg\n\nIl ponte."),
        ("Costa ==12 euro==%% vero? %%. a == b", "Costa 12 euro. a == b"),
        ("%%\nuna nota\n\nlunga\n%%\nIl ponte. ^abc-1", "Il ponte."),
        ("71 ettari[^1].\n\n[^1]: Istat\n[^2]: È del 2023.", "71 ettari.\n\nIstat\n\nÈ del 2023."),
        ("> [!note]- Attenzione\n\n- [x] riaperto", "Attenzione\n\n- riaperto"),
        ('{{< figure src="a.jpg" >}}\n\nIl ponte{: .lead} riapre.', "Il ponte riapre."),
        ("10<sup>3</sup> m, 71 ettari<sup>1</sup><br>Uno", "10³ m, 71 ettari\nUno"),
        ("<style>p {x}</style>\n\n<p>Uno</p><p>Due</p>", "Uno\n\nDue"),
        ("`[[x]]`, 10 ^2, [nota], [^ e 50%", "[[x]], 10 ^2, [nota], [^ e 50%"),
    ],
)
def test_markdown_of_other_programs_loses_its_marks(written: str, shown: str) -> None:
    assert article(written, "a.md").text == shown

"""Files become articles; what cannot says why."""

from pathlib import Path

import pytest

from index.articles import Article, list_files, read_article
from index.errors import ArticleError, CorpusError


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


def test_a_title_falls_back_to_the_first_line() -> None:
    assert article("\n\nPrima riga\nSeconda riga").title == "Prima riga"
    long = article("parola " * 50).title
    assert len(long) <= 121 and long.endswith("parola…")


@pytest.mark.parametrize(
    "encoded",
    [
        "Perché Putin è andato a Pyongyang? Così è più chiaro: città, virtù.".encode("cp1252"),
        "Perché Putin è andato a Pyongyang? Così è più chiaro: città, virtù.".encode("utf-16"),
    ],
)
def test_other_encodings_are_detected(encoded: bytes) -> None:
    assert article(encoded).text.startswith("Perché Putin è andato")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no text"),
        (b" \n\t\n", "no text"),
        (b"---\ntitle: Uno\n---\n", "no text"),
        (b"%PDF\0\0\1\2", "binary"),
        (b"---\ntitle: [a\n---\nTesto.", "front matter is not YAML"),
        (b"---\nsolo testo\n---\nTesto.", "front matter is not a list"),
        (b"---\ndate: ieri\n---\nTesto.", "date 'ieri'"),
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
    assert stored.text == "Titolo\n\nIl treno blindato è\npartito."
    assert stored.title == "Titolo"


def test_other_endings_are_refused() -> None:
    with pytest.raises(ArticleError, match=r"\.docx is not read"):
        article("testo", "a.docx")


def test_files_are_listed_below_the_corpus_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.txt", "sub/a.md", ".hidden.txt", ".git/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert list_files(tmp_path) == ["b.txt", "sub/a.md"]
    with pytest.raises(CorpusError, match="there is no corpus folder"):
        list_files(tmp_path / "none")

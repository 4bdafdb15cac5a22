"""The front matter of any program gives what it knows; the article is always there."""

import pytest

from index.articles.front_matter import split_front_matter

TEXT = "Il ponte riapre lunedì.\n"
READ = [
    ("---\ntitle: Ponte: riapre\ntags:\n  - città\n---\n", {"title": "Ponte: riapre"}),
    ("---\ntitle:\tIl ponte\nlist:\n\t- a\ndate:\t2024-01-05\n---\n",
     {"title": "Il ponte", "date": "2024-01-05"}),
    ('---\ntitle: [Esclusivo] Il "ponte"\n---\n', {"title": '[Esclusivo] Il "ponte"'}),
    ("---\ntitle: @ponte\nsource: 'L'Eco'\n---\n", {"title": "@ponte", "source": "L'Eco"}),
    ("---\ntitle: >\n  Il ponte\n  riapre\n...\n", {"title": "Il ponte riapre"}),
    ("\n---\nTitle: No\nSource: 007\n--- \n", {"title": "No", "source": "007"}),
    ('+++\ntitle = "Ponte"\ndate = 2024-01-05T10:00:00Z\n[params]\nx = 1\n+++\n',
     {"title": "Ponte", "date": "2024-01-05T10:00:00+00:00"}),
    ("+++\ntitle = Ponte\ndate = 2024-01-05\n+++\n", {"title": "Ponte", "date": "2024-01-05"}),
    ('{\n"title": "Ponte", "lang": "it-IT", "tags": []\n}\n', {"title": "Ponte", "language": "it"}),
    ('---\nsource: "https://example.org/p"\nauthor:\n  - "[[Redazione]]"\npublished: 2024-03-04\n'
     "created: 2024-03-09\n---\n", {"url": "https://example.org/p", "date": "2024-03-04"}),
    ("---\ntitle: null\nsource: [[Gazzetta]]\nurl: /posts/ponte/\n---\n", {"source": "Gazzetta"}),
    ("---\n---\n", {}),
    ('---\ntitle: "\\uD800x"\n---\n', {"title": "?x"}),
]  # fmt: skip


@pytest.mark.parametrize(("block", "fields"), READ, ids=[repr(block)[:40] for block, _ in READ])
def test_the_front_matter_of_any_program_is_read(block: str, fields: dict[str, str]) -> None:
    document = split_front_matter(block + TEXT)
    assert (document.fields, document.text, document.notes) == (fields, TEXT, ())


@pytest.mark.parametrize(
    "text",
    [
        "---\n**STUDIO BRUNI**\nAvv. Lia Bruni\n---\n",
        "---\nsolo testo\n---\n",
        "---\nIl sindaco ha detto: non firmo\n---\n",
        "---\nNota: riservato\n---\n",
        "---\nUna riga sola, senza chiusura.\n",
        "---\n" + "[" * 3000 + "\n---\n",
        "{ nessun JSON }\n",
        '{"a": 1}\n',
        "+++ ultima ora +++\n",
    ],
)
def test_what_is_no_front_matter_is_text(text: str) -> None:
    document = split_front_matter(text + TEXT)
    assert (document.text, document.fields, document.notes) == (text + TEXT, {}, ())


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2023-09-11", "2023-09-11"),
        ("20230911", "2023-09-11"),
        ("2023-9-1", "2023-09-01"),
        ("2023/09/11", "2023-09-11"),
        ("25/06/2024", "2024-06-25"),
        ("11 settembre 2023", "2023-09-11"),
        ("lunedì 1° maggio 2023", "2023-05-01"),
        ("September 11, 2023", "2023-09-11"),
        ("2023-09-11 10:00:00 UTC", "2023-09-11T10:00:00+00:00"),
        ("2023-09-11 10:00:00 +0200", "2023-09-11T10:00:00+02:00"),
        ("Mon, 11 Sep 2023 10:00:00 +0200", "2023-09-11T10:00:00+02:00"),
    ],
)
def test_a_date_is_read_where_it_is_one_day(written: str, date: str) -> None:
    assert split_front_matter(f"---\ndate: {written}\n---\n").fields == {"date": date}


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("date: 05/06/2024", "the date '05/06/2024' is not read: write YYYY-MM-DD"),
        ("date: 25/06/24", "the date '25/06/24' is not read: write YYYY-MM-DD"),
        ("date: ieri", "the date 'ieri' is not read: write YYYY-MM-DD"),
        ("date: settembre 2023", "the date 'settembre 2023' is not read: write YYYY-MM-DD"),
        ("source: [a, b]", "its front matter has more than one value for 'source'"),
        ("source Gazzetta", "its front matter has a line that is not read: 'source Gazzetta'"),
    ],
)
def test_what_cannot_be_read_stays_unknown_and_is_told_once(line: str, note: str) -> None:
    document = split_front_matter(f"---\ntitle: Il ponte\n{line}\n---\n{TEXT}")
    assert (document.fields, document.notes) == ({"title": "Il ponte"}, (note,))
    assert document.text == TEXT


def test_a_front_matter_that_does_not_end_is_told() -> None:
    document = split_front_matter(f"---\ntitle: Il ponte\n\n{TEXT}")
    assert TEXT in document.text and "is not closed" in document.notes[0]

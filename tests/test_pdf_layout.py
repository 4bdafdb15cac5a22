"""What stands on the pages of a PDF, and what a reader sees of it."""

from __future__ import annotations

import pytest

from index.articles.pdf.extraction import extract
from index.articles.pdf.hyphens import with_whole_words
from tests.pdf import Line, assemble, lines, pdf

BODY = lines(
    "Il ponte di Vigoleno riapre lunedì dopo nove mesi di",
    "lavori, dice l'ingegnere capo della provincia Ada Merli.",
)
TEXT = (
    "Il ponte di Vigoleno riapre lunedì dopo nove mesi di lavori, dice l'ingegnere capo della "
    "provincia Ada Merli."
)


def text(data: bytes) -> str:
    found = extract(data)
    assert not found.trouble
    return with_whole_words(found.text)


def drawn(*operators: str) -> bytes:
    """A page of these operators, in Helvetica."""
    return assemble(["\n".join(operators).encode("cp1252")])


def shown(line: str, x: float, y: float, size: float = 11, before: str = "") -> str:
    return f"q {before} BT /F1 {size} Tf {x} {y} Td ({line}) Tj ET Q"


SEEN = [shown(line, x, y, size) for x, y, size, line in BODY]
SCAN = f"q 300 0 0 60 50 740 cm BI /W 400 /H 1 /BPC 8 /CS /G ID {' A' * 200} EI Q"


@pytest.mark.parametrize(
    "unseen",
    [
        [shown("Testo che nessuno vede.", 60, 600, before="3 Tr")],
        [shown("Testo che nessuno vede.", 60, 600, before="1 1 1 rg")],
        [shown("Testo che nessuno vede.", 60, 900)],
        [shown("Testo che nessuno vede.", -400, 600)],
        [shown("Testo che nessuno vede.", 60, 600), "0 0 0 rg 50 590 300 30 re f"],
        [shown("Testo che nessuno vede.", 60, 600, before="0 0 10 10 re W n")],
        SEEN,
        [shown(line, x + 0.4, y, size) for x, y, size, line in BODY],
        [f"q .7 .7 -.7 .7 200 300 cm {shown('BOZZA', 0, 0, 60)} Q"],
    ],
    ids="invisible white above beside covered clipped doubled bold aslant".split(),
)
def test_what_is_not_seen_or_drawn_twice_is_left_out(unseen: list[str]) -> None:
    assert text(drawn(*SEEN, *unseen)) == TEXT


def test_text_of_a_recognition_and_white_letters_on_a_dark_ground_are_read() -> None:
    below = [shown("Il ponte riapre lunedì.", 60, 760, before="3 Tr"), SCAN]
    assert text(drawn(*below)) == "Il ponte riapre lunedì."
    white = ["0 0 .4 rg 50 740 300 60 re f", shown("Il ponte riapre.", 60, 760, before="1 1 1 rg")]
    assert text(drawn(*white)) == "Il ponte riapre."


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_is_read_as_it_is_turned(quarters: int) -> None:
    turned = pdf(BODY).replace(b"/Type /Page ", b"/Type /Page /Rotate %d " % (90 * quarters))
    assert text(turned) == TEXT
    matrix = ["0 1 -1 0 842 0", "-1 0 0 -1 595 842", "0 -1 1 0 -247 842"][quarters - 1]
    assert text(drawn(f"q {matrix} cm", *SEEN, "Q")) == TEXT


def test_words_drawn_singly_are_one_line() -> None:
    words, x, operators = "Il sindaco di Fidenza Ugo Ferri ha visto Parma.".split(), 60.0, []
    for word in words:
        operators.append(shown(word, x, 700))
        x += 7 * len(word) + 3
    assert text(drawn(*operators)) == " ".join(words)


COLUMNS = (
    (
        "Il mercato dei fiori apre alle sei del",
        "mattino. Lo dirige Ida Bassi, che ha",
        "venti anni.",
    ),
    (
        "La scuola di musica resta chiusa fino",
        "ad aprile per i lavori al tetto, che la",
        "Regione paga.",
    ),
)


@pytest.mark.parametrize("shift", [0, 5])
@pytest.mark.parametrize("by_row", [True, False])
def test_columns_are_read_one_after_the_other(shift: float, by_row: bool) -> None:
    left, right = (
        lines(*COLUMNS[0]),
        [(290.0, y - shift, s, t) for _, y, s, t in lines(*COLUMNS[1])],
    )
    body = [line for pair in zip(left, right, strict=True) for line in pair]
    title: Line = (60, 810, 20, "Fiori e musica in centro, due notizie")
    author: Line = (150, 796, 10, "di Ada Merli e Ugo Ferri")
    below: Line = (
        60,
        600,
        11,
        "Le due notizie sono della redazione locale di Borgotaro e Bedonia.",
    )
    assert text(pdf([title, author, *(body if by_row else [*left, *right]), below])).split(
        "\n\n"
    ) == [
        title[3],
        author[3],
        " ".join(COLUMNS[0]),
        " ".join(COLUMNS[1]),
        below[3],
    ]


def test_three_columns_and_a_table() -> None:
    words = ("la neve cade da ieri", "sul passo della Cisa e", "i mezzi sono al lavoro.")
    columns = [(60 + 170 * at, y, s, t) for at in range(3) for _, y, s, t in lines(*words)]
    rows = (("Comune", "Abitanti", "Scuole"), ("Bardi", "2.100", "3"), ("Berceto", "1.900", "2"))
    cells = [
        (60.0 + 150 * at, 600.0 - 14 * row, 11.0, cell)
        for row, line in enumerate(rows)
        for at, cell in enumerate(line)
    ]
    assert text(pdf([*columns, *cells])).split("\n\n") == [
        *[" ".join(words)] * 3,
        *(" ".join(row) for row in rows),
    ]


def test_running_heads_are_left_out_and_the_sentence_goes_on() -> None:
    pages = [
        [
            (60.0, 820.0, 9.0, f"{number}    Gazzetta del Taro - Cronaca"),
            *lines(*body),
            (300.0, 30.0, 9.0, f"- {number} -"),
        ]
        for number, body in enumerate(
            (
                ("La giunta ha deciso che il nuovo ospedale", "sarà a Borgotaro e che lo dirigerà"),
                ("Carla Vinci, che lavora a Parma in un", "reparto di cardiologia. Costa nove mi-"),
                ("lioni di euro, dice la Regione.",),
            ),
            12,
        )
    ]  # fmt: skip
    assert text(pdf(*pages)) == (
        "La giunta ha deciso che il nuovo ospedale sarà a Borgotaro e che lo dirigerà Carla Vinci, "
        "che lavora a Parma in un reparto di cardiologia. Costa nove milioni di euro, dice la "
        "Regione."
    )


def test_a_title_that_later_pages_repeat_in_small_letters_stays_once() -> None:
    title = "Il ponte di Vigoleno"
    first = [(60.0, 800.0, 20.0, title), *BODY]
    later = [[(60.0, 820.0, 8.0, title), *lines(f"{day} riapre.")] for day in ("Oggi", "Ieri")]
    assert text(pdf(first, *later)).split("\n\n") == [title, TEXT, "Oggi riapre.", "Ieri riapre."]


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("un accordo italo-", "francese sul treno.", "italo-francese"),
        ("il piano socio-", "sanitario della valle.", "socio-sanitario"),
        ("il treno Parma-", "Pontremoli si ferma.", "Parma-Pontremoli"),
        ("la commissione ha de-", "ciso di aspettare.", "deciso"),
        ("l'onorevole Berla-", "sconi si è fermato.", "Berlasconi"),
        ("la porta-", "voce; la portavoce tace.", "portavoce; la"),
        ("un contributo per-", "ché arrivi presto.", "perché"),
        ("dal 2019-", "2020 in poi si spera.", "2019- 2020"),
    ],
)
def test_a_hyphen_at_the_line_end_stays_if_it_is_the_words_own(
    first: str, second: str, joined: str
) -> None:
    assert joined in text(pdf(lines(f"Hanno parlato a lungo di {first}", second)))


@pytest.mark.parametrize(
    ("cap", "rest", "begins"),
    [("L", "a diga sarà svuotata", "La diga"), ("È", "stato un anno", "È stato un"),
     ("«N", "on firmo», dice", "«Non firmo"), ("A", "nna Bini ha detto", "Anna Bini")],
)  # fmt: skip
def test_a_drop_cap_is_the_first_letter(cap: str, rest: str, begins: str) -> None:
    left = 64.0 + 25 * len(cap)
    body = [(left, y, s, t) for _, y, s, t in lines(rest, "e poi la giunta voterà", "la spesa.")]
    assert text(pdf([(60, 752, 40, cap), *body])).startswith(begins)


def test_a_raised_figure_is_no_digit_of_the_number_before_it() -> None:
    raised = "BT /F1 11 Tf 60 700 Td (Area di 10) Tj /F1 7 Tf 4 Ts (3) Tj 0 Ts /F1 11 Tf ( m) Tj ET"
    assert text(drawn(raised)) == "Area di 10³ m"


def test_a_letter_that_the_file_does_not_name_is_marked() -> None:
    nameless = pdf(lines("La citt’ riapre il museo civico e la torre.")).replace(
        b"/Encoding /WinAnsiEncoding",
        b"/Encoding << /BaseEncoding /WinAnsiEncoding /Differences [146 /g146] >>",
    )
    assert text(nameless) == "La citt\N{REPLACEMENT CHARACTER} riapre il museo civico e la torre."

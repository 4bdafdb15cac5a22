"""What a chat model writes, read as claims; and what of a claim can be compared with passages."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.writing.claims import ClaimReader, WrittenClaim, WrittenQuote
from retrieval.writing.facts import in_common, unsupported
from tests.openai_api import claims

TWO = [
    WrittenClaim("Kim ha detto «sì».", (WrittenQuote(2, 'parole "vere" {di} un \\ testo'),)),
    WrittenClaim("Putin no.", (WrittenQuote(1, "altre parole"), WrittenQuote(3, "e altre ancora"))),
]
LINES = """Ecco:
CLAIM: Kim ha detto «sì».
QUOTE 2: "parole "vere" {di} un \\ testo"
**Claim**: Putin
no.
Quote [1]: altre parole
- CITAZIONE 3: « e altre ancora »
"""


def read(text: str, cuts: list[int] | None = None) -> list[WrittenClaim]:
    reader = ClaimReader()
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts or []), len(text)]
    found = [one for a, b in pairwise(edges) for one in reader.feed(text[a:b])]
    return [*found, *reader.close()]


def as_form(told: list[WrittenClaim]) -> str:
    return claims(*((one.text, [(q.passage, q.words) for q in one.quotes]) for one in told))


@given(st.lists(st.integers(0, 400), max_size=30))
def test_claims_are_read_however_the_text_is_cut(cuts: list[int]) -> None:
    assert read(as_form(TWO), cuts) == TWO
    assert read(LINES, cuts) == TWO
    assert read(f"Certo!\n```json\n{as_form(TWO)}\n```", cuts) == TWO


def test_of_half_a_form_the_whole_claims_are_read() -> None:
    text = as_form(TWO)
    for end in range(len(text)):
        assert read(text[:end]) in ([], TWO[:1], TWO)
    assert read(text[: text.index("Putin no")]) == TWO[:1]


def test_a_claim_that_begins_where_the_text_ends_is_one_of_its_own() -> None:
    text = LINES[: LINES.index("\n", LINES.index("**Claim**"))]  # its end was cut off
    first, second = read(text)
    assert first == TWO[0] and (second.text, second.quotes) == ("Putin", ())


def test_a_claim_is_told_as_soon_as_it_is_complete() -> None:
    reader, text = ClaimReader(), as_form(TWO)
    end = text.index("Putin")
    assert list(reader.feed(text[:end])) == TWO[:1]
    assert list(reader.feed(text[end:])) == TWO[1:]


@pytest.mark.parametrize(
    "text",
    [
        "", "NOTHING", "Non lo so.", "{", "[]", '{"claims": []}', '{"claims": "no"}', "{}" * 50,
        '{"text": 1, "quotes": []}', '{"text": "a", "quotes": {}}', "{" * 30_000, '"' * 100,
        json.dumps({"claims": [[]]}), "QUOTE 1: senza affermazione", "CLAIM:", "null", "}}}}",
    ],
)  # fmt: skip
def test_what_is_no_claim_is_left_out(text: str) -> None:
    assert read(text) == []


def test_what_a_claim_quotes_wrongly_is_left_out_of_it() -> None:
    told = '{"text": "a", "quotes": [1, {"passage": "2", "words": "x"}, {"passage": true}]}'
    assert read(told) == [WrittenClaim("a", ())]


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    read(text)
    read("{" + text)


def test_a_text_without_an_end_is_full_one_day() -> None:
    reader = ClaimReader()
    pieces = 0
    while not reader.full:
        assert list(reader.feed("bla " * 100)) == []
        pieces += 1
    assert pieces == 100


PASSAGE = """Secondo i media sudcoreani, un treno blindato con a bordo Kim Jong-un sarebbe partito
da Pyongyang per la Russia. Il presidente russo Vladimir Putin lo incontrerà mercoledì 13 settembre
a Vladivostok, dove 12.000 soldati e ventitré generali aspettano. Il viaggio, di 2,5 milioni di
euro, va dal 10 al 13 settembre; l’ultimo fu l’11 e il 12 aprile 2019 con i ministri dell’Unione
europea."""
TOLD = [PASSAGE, "Confermato l’incontro tra Putin e Kim\nAgenPress\n2023-09-11"]


@pytest.mark.parametrize(
    ("language", "claim"),
    [
        ("it", "Kim Jong Un è partito da Pyongyang per la Russia su un treno blindato."),
        ("it", "Secondo AgenPress dell’11 settembre 2023 il viaggio va dal 10 al 13 settembre."),
        ("it", "Il vertice Putin-Kim è mercoledì 13/9/2023."),
        ("it", "Viaggia con due milioni e mezzo di euro."),
        ("it", "Dodicimila soldati e 23 generali aspettano."),
        ("it", "Nel 2019 si videro il 12 aprile con la UE."),
        ("it", "Partirà un solo uomo, il primo; secondo lui."),
        ("en", "Kim left Pyongyang for Russia on an armoured train, South Korean media said."),
        ("en", "President Putin will meet him on September 13 in Vladivostok."),
        ("en", "12,000 soldiers and twenty-three generals wait there on Wednesday."),
        ("en", "The journey costs 2.5 million euros."),
        ("en", "Ministers of the European Union met on 11 April 2019."),
        ("en", "Soldiers of Russia's army wait."),
    ],
)
def test_what_the_passages_hold_is_supported(language: str, claim: str) -> None:
    assert unsupported(claim, TOLD, language) == []


@pytest.mark.parametrize(
    ("language", "claim", "wrong"),
    [
        ("it", "Putin incontrerà Biden.", "Biden"),
        ("it", "Putin incontrerà zelensky.", "zelensky"),
        ("it", "Rossi è partito da Pyongyang.", "Rossi"),
        ("it", "Vladimir Kim è partito.", "Vladimir Kim"),
        ("it", "È partito da Seul.", "Seul"),
        ("it", "È un treno giapponese.", "giapponese"),
        ("it", "L’incontro è il 14 settembre.", "14/9"),
        ("it", "L’incontro è il 12 settembre.", "12/9"),
        ("it", "L’incontro è in ottobre.", "ottobre"),
        ("it", "L’incontro è giovedì.", "giovedi"),
        ("it", "L’incontro fu nel 2018.", "2018"),
        ("it", "Aspettano tredicimila soldati.", "13000"),
        ("it", "Costa 2,5 miliardi.", "2.5e+09"),
        ("it", "Leggi www.example.com per saperne di più.", "www.example.com"),
        ("it", "Scrivi a @esempio_bot.", "@esempio_bot"),
        ("en", "Trump met Putin.", "Trump"),
        ("en", "He met the Japanese prime minister.", "Japanese"),
        ("en", "They meet on October 13.", "13/10"),
        ("en", "They meet on Thursday.", "giovedi"),
        ("en", "Fourteen generals wait.", "14"),
        ("it", "Ferrari è partito.", "Ferrari"),
        ("en", "The White House confirmed it.", "White House"),
    ],
)
def test_what_no_passage_holds_is_not(language: str, claim: str, wrong: str) -> None:
    assert wrong in unsupported(claim, TOLD, language)


def test_a_number_of_several_parts_is_compared_by_its_digits() -> None:
    claim = "Esce la versione 1.2.3."
    assert unsupported(claim, ["È pronta la versione 1.2.3"], "it") == []
    assert unsupported(claim, ["È pronta la versione 1.2.4"], "it") == ["123"]


@given(st.text(), st.text())
def test_any_texts_can_be_compared(claim: str, passage: str) -> None:
    for language in ("it", "en"):
        unsupported(claim, [passage], language)
    in_common(claim, passage)


def test_a_claim_has_something_in_common_with_what_it_is_about() -> None:
    assert in_common("The train left.", "Il treno è partito da Pyongyang.") is False
    assert in_common("Kim left Moscow.", "A Mosca non c’era nessuno.")
    assert in_common("I treni partirono.", "Il treno è partito.")
    assert in_common("It was on September 13.", "Fu il 13 settembre.")
    assert not in_common("È la verità.", "Il treno è partito da Pyongyang.")

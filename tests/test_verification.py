"""Whether a sentence is in the articles: on the five of the corpus, and from outside."""

import pytest

from index.generations.generation import Generation
from retrieval.answering.quotations import is_verbatim
from retrieval.answering.verification import MAX_CLAIM, ClaimError, Difference, Verdict, verify
from tests.conftest import ITALIAN, Workplace

TRAIN = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang per la Russia"


@pytest.mark.parametrize(
    "claim",
    [
        TRAIN,
        f"«{TRAIN}.»",
        f"  “{TRAIN}” ha scritto ieri",
        TRAIN.replace(" ", "\n"),
        "un treno blindato […] sarebbe partito da Pyongyang per la Russia",
        "un treno blindato con a bordo Kim ... per la Russia attraverso il confine",
    ],
)
def test_what_stands_in_an_article_to_the_letter(claim: str, generation: Generation) -> None:
    told = verify(claim, generation)
    assert told.verdict is Verdict.VERBATIM and not told.differences
    assert told.quotes[0].source == "AgenPress"
    assert told.quotes[0].text.startswith("un treno blindato con a bordo Kim")
    assert all(is_verbatim(quote, generation) for quote in told.quotes)


def test_the_shape_of_apostrophes_and_quotation_marks_does_not_count(
    generation: Generation,
) -> None:
    told = verify("per discutere l'acquisizione di munizioni", generation)
    assert told.verdict is Verdict.VERBATIM
    assert "l’acquisizione" in told.quotes[0].text


def test_a_changed_word_is_named(generation: Generation) -> None:
    told = verify(TRAIN.replace("Pyongyang", "Seul").replace("blindato ", ""), generation)
    assert told.verdict is Verdict.ALTERED
    assert told.differences == (Difference("", "blindato"), Difference("Seul", "Pyongyang"))
    assert told.quotes[0].text == TRAIN and is_verbatim(told.quotes[0], generation)


def test_a_changed_last_word_is_set_beside_the_one_that_is_written(generation: Generation) -> None:
    told = verify("un treno blindato con a bordo Kim sarebbe partito da Seul", generation)
    assert told.differences == (Difference("Seul", "Pyongyang"),)


def test_a_capital_is_a_letter_too(generation: Generation) -> None:
    told = verify(TRAIN.replace("un treno", "Un treno"), generation)
    assert told.verdict is Verdict.ALTERED
    assert told.differences == (Difference("Un", "un"),)


def test_part_of_a_word_is_not_the_word(generation: Generation) -> None:
    assert verify(TRAIN[:-2], generation).verdict is Verdict.ALTERED


def test_an_outlet_that_does_not_have_it_is_named(generation: Generation) -> None:
    assert verify(f"AgenPress: «{TRAIN}»", generation).elsewhere == ()
    told = verify(f"«{TRAIN}» (Globalist)", generation)
    assert told.verdict is Verdict.VERBATIM and told.elsewhere == ("Globalist.it",)
    assert told.quotes[0].source == "AgenPress"


@pytest.mark.parametrize("claim", ["La Juventus ha vinto lo scudetto.", "la", "… sono …", "( ["])
def test_what_no_article_has(claim: str, generation: Generation) -> None:
    if any(map(str.isalnum, claim)):
        told = verify(claim, generation)
        assert told.verdict is Verdict.NOT_FOUND and told.quotes == ()
    else:
        with pytest.raises(ClaimError, match="nothing to verify"):
            verify(claim, generation)


def test_what_is_too_long_is_told(generation: Generation) -> None:
    with pytest.raises(ClaimError, match=f"verify {MAX_CLAIM} or fewer"):
        verify("Kim " * MAX_CLAIM, generation)


def test_many_omissions_take_no_time(generation: Generation) -> None:
    told = verify("a … e " * (MAX_CLAIM // 6), generation)
    assert told.verdict is Verdict.NOT_FOUND


def test_the_command_and_the_conversation_tell_the_same(indexed_place: Workplace) -> None:
    wrong = TRAIN.replace("Pyongyang", "Seul")
    done = indexed_place.run("verify", f"«{wrong}»")
    assert "Non alla lettera" in done.stdout and TRAIN in done.stdout
    assert "«Seul»: sta scritto «Pyongyang»" in done.stdout and "AgenPress" in done.stdout
    (told,) = indexed_place.json("verify", TRAIN, "--json")
    assert told["verdict"] == "verbatim" and told["quotes"][0]["text"] == TRAIN
    text = indexed_place.run("show", told["quotes"][0]["article"]).stdout
    assert text[told["quotes"][0]["start"] : told["quotes"][0]["end"]] == TRAIN
    typed = ["/verifica", f"/verifica «{wrong}»", f"/verify {TRAIN}", "/verifica ("]
    chat = indexed_place.run("chat", stdin="\n".join(typed), **ITALIAN).stdout
    assert "Scrivi la frase dopo il comando" in chat and "«Seul»: sta scritto «Pyongyang»" in chat
    assert "Sì, alla lettera:" in chat and chat.count("Scrivi la frase") == 2


def test_without_an_index_the_way_out_is_told(empty_place: Workplace) -> None:
    done = empty_place.run("verify", TRAIN)
    assert done.returncode == 2 and "run virgolette index" in done.stderr

"""Follow-up questions: what they are read together with, and for how long."""

from __future__ import annotations

import pytest

from bot.conversations import TURNS, Conversations
from retrieval.answer import MAX_QUESTION, Answer, Question, Reason, Turn
from retrieval.chain import AnswerChain
from retrieval.conversation import in_context, is_self_contained
from retrieval.questions.interrogatives import asks_whether, joined
from tests.conftest import ITALIAN, Workplace

MEETING = "Dove si incontreranno Putin e Kim?"


@pytest.mark.parametrize(
    ("before", "text", "together"),
    [
        (MEETING, "e quando?", "e quando si incontreranno Putin e Kim?"),
        ("Dov'è Kim?", "e da quando?", "e da quando è Kim?"),
        ("Secondo te, dove va Kim?", "perché", "perché Secondo te, va Kim?"),
        ("Putin visiterà Pyongyang?", "quando?", "quando Putin visiterà Pyongyang?"),
        ("Where will Putin and Kim meet?", "and when?", "and when will Putin and Kim meet?"),
        ("Who's John Kirby?", "and Shoigu?", "and Shoigu John Kirby?"),
    ],
)
def test_a_question_is_joined_to_what_the_one_before_it_is_about(
    before: str, text: str, together: str
) -> None:
    assert joined(text, before) == together


def test_a_question_is_read_in_the_articles_quoted_and_joined_and_as_meant() -> None:
    turn = Turn(MEETING, sources=("AgenPress",), articles=("a.txt",))
    asked = Question.parse("e quando?", previous=(Turn("Chi?"), turn))
    own, together, meant = in_context(asked, Question("Quando si vedono?"))
    assert (own.question, own.articles, own.only) == (Question("e quando?"), ("a.txt",), True)
    assert together.question.text == "e quando si incontreranno Putin e Kim?"
    assert (together.articles, together.only) == (("a.txt",), False)
    assert together.sources == ("AgenPress",) and meant.articles == ()
    assert own.question.day == together.question.day == asked.day


def test_without_a_question_before_there_is_no_context() -> None:
    assert in_context(Question("e quando?")) == []


def test_nothing_is_longer_than_a_question_may_be() -> None:
    long = Turn("Dove va " + "a" * (MAX_QUESTION - 10))
    assert in_context(Question.parse("e per quale motivo?", previous=(long,))) == []


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("e quando?", False),
        ("Chi ha dipinto la Gioconda?", False),
        ("e lui cosa ha detto alla BBC?", False),
        ("Quando finisce il forum economico orientale?", True),
        ("Da dove è partito ieri il treno blindato?", True),
    ],
)
def test_a_question_of_many_words_needs_none_from_before(text: str, whole: bool) -> None:
    assert is_self_contained(Question(text)) is whole


@pytest.mark.parametrize(
    ("question", "whether"),
    [
        ("Kim ha incontrato Putin?", True),
        ("È vero che il treno è partito?", True),
        ("È vero che Putin visiterà Seul?", True),
        ("Is it true that he left?", True),
        ("Did the train which left arrive?", True),
        ("Dov’è Kim?", False),
        ("Cos'è il forum?", False),
        ("Quant'è costato?", False),
        ("Who's John Kirby?", False),
        ("Il treno quando parte?", False),
        ("Kim in che città è nato?", False),
        ("treno blindato", False),
    ],
)
def test_a_question_of_yes_or_no_is_told_from_others(question: str, whether: bool) -> None:
    assert asks_whether(question) is whether


def converse(chain: AnswerChain, *questions: str) -> list[Answer]:
    conversations, answers = Conversations(), []
    for text in questions:
        answers.append(chain.invoke(Question.parse(text, previous=conversations.recall("me"))))
        conversations.remember("me", answers[-1])
    return answers


def last(chain: AnswerChain, *questions: str) -> Answer:
    return converse(chain, *questions)[-1]


@pytest.mark.parametrize(
    ("before", "text", "words"),
    [
        ("Chi è John Kirby?", "e lui cosa ha detto?", "Non siamo preoccupati"),
        ("Da dove è partito il treno blindato?", "chi c'era a bordo?", "Kim Jong-un"),
        ("Chi è John Everard?", "cosa ha detto alla BBC?", "disperata ricerca di munizioni"),
        ("Chi è il ministro della Difesa russo?", "che cosa ha proposto?", "Shoigu"),
        ("How many containers did North Korea send to Russia?", "and Russia?", "9.000 container"),
        ("Quando è stato il primo incontro tra Kim e Putin?", "e dove?", "Vladivostok"),
        ("Chi è John Kirby?", "e Shoigu?", "ministro della Difesa russo"),
        ("Che cosa vuole la Russia da Pyongyang?", "e in cambio?", "satelliti e sottomarini"),
    ],
)
def test_what_a_follow_up_means(chain: AnswerChain, before: str, text: str, words: str) -> None:
    answer = last(chain, before, text)
    assert words in answer.quotes[0].text
    assert answer.question == text and answer.follows in ("", before)


def test_the_question_before_is_named_where_it_matters(chain: AnswerChain) -> None:
    before, text = "Chi è John Kirby?", "e lui cosa ha detto?"
    assert last(chain, before, text).follows == before
    # The same quotation answers these words alone.
    assert last(chain, "Chi è John Everard?", "cosa ha detto alla BBC?").follows == ""


def test_a_conversation_goes_on(chain: AnswerChain) -> None:
    where, when, why = converse(chain, MEETING, "e quando?", "e perché?")
    assert where.query == MEETING and where.follows == ""
    assert not when.refused and when.follows == MEETING
    assert why.follows == MEETING  # and not the joined question, which is no sentence


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (MEETING, "Chi ha dipinto la celebre Gioconda del Louvre?"),
        (MEETING, "Quando finisce il forum economico orientale?"),
        ("Chi ha dipinto la Gioconda?", "quando finisce questo forum economico orientale?"),
    ],
)
def test_a_change_of_subject_is_answered_as_without_a_conversation(
    chain: AnswerChain, before: str, text: str
) -> None:
    assert last(chain, before, text) == chain.invoke(Question.parse(text))


@pytest.mark.parametrize(
    ("before", "text", "outlet"),
    [
        (f"Secondo AgenPress, {MEETING}", "e quando?", "AgenPress"),
        (f"Secondo AgenPress, {MEETING}", "e secondo Globalist.it?", "Globalist.it"),
        ("Chi è John Kirby?", "secondo AgenPress che cosa ha detto?", "AgenPress"),
        (MEETING, "secondo AgenPress?", "AgenPress"),
    ],
)
def test_an_outlet_is_kept_to(chain: AnswerChain, before: str, text: str, outlet: str) -> None:
    answer = last(chain, before, text)
    assert {quote.source for quote in (*answer.quotes, *answer.near)} <= {outlet}


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(text: str) -> Answer:
    return Answer(text, text, (), 0.0, "", Reason.NOTHING_FOUND)


def test_a_conversation_is_forgotten_after_a_while() -> None:
    clock = Clock()
    conversations = Conversations(kept_for=60, clock=clock)
    conversations.remember("one", refusal("Prima?"))
    clock.now = 59
    assert conversations.recall("one") == (Turn("Prima?"),)
    conversations.remember("one", refusal("Seconda?"))
    clock.now = 118  # a question starts the time again
    assert [turn.query for turn in conversations.recall("one")] == ["Prima?", "Seconda?"]
    clock.now = 119
    assert conversations.recall("one") == ()


def test_conversations_are_kept_apart_and_forgotten_at_will() -> None:
    conversations = Conversations()
    conversations.remember((1, 2), refusal("Una?"))
    conversations.remember((1, 3), refusal("Altra?"))
    conversations.forget((1, 2))
    conversations.forget("never there")
    assert conversations.recall((1, 2)) == () and conversations.recall((1, 3)) == (Turn("Altra?"),)


def test_all_conversations_of_one_are_forgotten() -> None:
    conversations = Conversations()
    answer = Answer("Dove?", "Dove?", (), 0.0, "g")
    for key in ((1, 7), (2, 7), (2, 8)):
        conversations.remember(key, answer)
    conversations.forget_where(lambda key: key[1] == 7)
    assert (
        not conversations.recall((1, 7))
        and not conversations.recall((2, 7))
        and conversations.recall((2, 8))
    )


def test_the_memory_has_bounds() -> None:
    conversations = Conversations(most=2)
    for key in ("a", "b", "a", "c"):  # "b" has been silent longest
        conversations.remember(key, refusal(f"{key}?"))
    assert [bool(conversations.recall(key)) for key in "abc"] == [True, False, True]
    for number in range(TURNS + 2):
        conversations.remember("a", refusal(f"{number}?"))
    assert [turn.query for turn in conversations.recall("a")] == ["2?", "3?", "4?"]


def test_the_repl_remembers_until_it_is_told_to_forget(indexed_place: Workplace) -> None:
    typed = [MEETING, "e quando?", "/nuova", "e quando?"]
    said = indexed_place.run("chat", stdin="\n".join(typed), **ITALIAN).stdout
    before, after = said.split("Ricominciamo:")
    note = f"riferito a: {MEETING}"
    assert note in before and note not in after


def test_ask_remembers_nothing(indexed_place: Workplace) -> None:
    found = indexed_place.json("ask", "--json", "-", stdin=f"{MEETING}\ne quando?\n")
    assert [answer["query"] for answer in found] == [MEETING, "e quando?"]

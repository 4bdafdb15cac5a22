"""Follow-up questions: what they are searched together with, and for how long."""

from __future__ import annotations

import datetime

import pytest

from bot.conversations import TURNS, Conversations
from retrieval.answer import MAX_QUESTION, Answer, Question, Reason, Turn
from retrieval.chain import AnswerChain
from retrieval.conversation.followups import together
from retrieval.questions.interrogatives import asks_whether
from tests.conftest import Workplace

MEETING = "Dove si incontreranno Putin e Kim?"
CONTAINERS = "Quanti container ha spedito la Corea del Nord?"
KIRBY = Turn("Chi è John Kirby?", told="Così ha detto il portavoce John Kirby alla stampa.")
VISIT = Turn(
    "Quando è prevista la visita di Putin a Pyongyang?",
    "martedì",
    "L’arrivo di Putin in Corea del Nord è previsto nella tarda serata di martedì.",
)
MINISTER = Turn("Chi è il ministro della Difesa russo?", "Sergei Shoigu", "Il ministro russo.")


def searched(text: str, *turns: Turn) -> str | None:
    """What a question is searched as after some turns; None if it stands by itself."""
    found = together(Question.parse(text, previous=turns))
    return found.question.text if found else None


INTERROGATIVES = [
    (MEETING, "e quando?", "Quando si incontreranno Putin e Kim?"),
    (MEETING, "perché?", "Perché si incontreranno Putin e Kim?"),
    (MEETING, "E come mai?", "Come mai si incontreranno Putin e Kim?"),
    (MEETING, "e quando, di preciso?", "Quando si incontreranno Putin e Kim?"),
    (MEETING, "quando avverrà?", "Quando si incontreranno Putin e Kim?"),
    (MEETING, "perché lo fanno?", "Perché si incontreranno Putin e Kim?"),
    ("Dov'è Kim?", "e da quando?", "Da quando è Kim?"),
    ("Putin visiterà Pyongyang?", "quando?", "Quando Putin visiterà Pyongyang?"),
    ("Il treno di Kim è partito?", "da dove?", "Da dove il treno di Kim è partito?"),
    ("Parlami della visita di Putin", "quando?", "Quando visita di Putin?"),
    (CONTAINERS, "e quando?", "Quando ha spedito container la Corea del Nord?"),
    ("In che anno è nato Kim?", "dove?", "Dove è nato Kim?"),
    ("E Kim quando arriva?", "e dove?", "Kim dove arriva?"),
    ("Where will Putin and Kim meet?", "and when?", "When will Putin and Kim meet?"),
    ("Will Putin visit North Korea?", "why?", "Why will Putin visit North Korea?"),
    ("Where did Kim leave from?", "when did that happen?", "When did Kim leave?"),
    ("What weapons does Russia want?", "why?", "Why does Russia want weapons?"),
]
COMPLEMENTS = [
    ("Da dove è partito Kim?", "e Putin?", "Da dove è partito Putin?"),
    ("Cosa ha fatto Kim nel 2023?", "e nel 2024?", "Cosa ha fatto Kim nel 2024?"),
    ("Cosa ha fatto Kim?", "e ieri?", "Cosa ha fatto Kim ieri?"),
    ("Quando arriva Putin a Pyongyang?", "invece a Mosca?", "Quando arriva Putin a Mosca?"),
    (MEETING, "e secondo Repubblica?", f"{MEETING[:-1]} secondo Repubblica?"),
    (MEETING, "secondo AgenPress?", f"{MEETING[:-1]} secondo AgenPress?"),
    (f"Secondo AgenPress, {MEETING}", "e secondo ANSA?", f"{MEETING[:-1]} secondo ANSA?"),
    (MEETING, "e Trump?", f"{MEETING[:-1]} Trump?"),
    (CONTAINERS, "e la Russia?", "Quanti container ha spedito la Russia?"),
    (
        "Cosa vuole la Russia dalla Corea del Nord?",
        "e la Corea del Nord?",
        "Cosa vuole la Corea del Nord dalla Russia?",
    ),
    ("Cosa offre Mosca a Pyongyang?", "e Kim a Putin?", "Cosa offre Kim a Putin?"),
    ("Cosa dice Kim del Cremlino?", "e della Russia?", "Cosa dice Kim della Russia?"),
    (
        "Quando finisce il viaggio di Kim?",
        "e il Cremlino?",
        "Quando finisce il viaggio del Cremlino?",
    ),
    ("Chi è John Kirby?", "e Shoigu?", "Chi è Shoigu?"),
    ("Chi è il ministro russo?", "e quello sudcoreano?", "Chi è il ministro sudcoreano?"),
    ("Dov'è stato il primo vertice?", "e il secondo?", "Dove è stato il secondo vertice?"),
    ("Quando finisce il forum?", "e la visita?", "Quando finisce la visita?"),
    ("Cosa ha detto del programma Kim?", "e dei documenti?", "Cosa ha detto dei documenti Kim?"),
    ("Dove andrà Kim?", "e Putin quando?", "Quando andrà Putin?"),
    ("When will Putin visit North Korea?", "and Kim?", "When will Kim visit North Korea?"),
    ("What does Kim want?", "what about Putin?", "What does Putin want?"),
    ("When did Kim’s train leave?", "and Putin's?", "When did Putin’s train leave?"),
    ("What did Kim say in 2023?", "and in 2024?", "What did Kim say in 2024?"),
]


@pytest.mark.parametrize(("before", "text", "wording"), INTERROGATIVES + COMPLEMENTS)
def test_what_asks_nothing_by_itself_is_put_into_the_question_before(
    before: str, text: str, wording: str
) -> None:
    found = together(Question.parse(text, previous=(Turn(before),)))
    assert found is not None and found.question.text == wording
    assert found.elliptic  # not searched alone too


POINTING = [
    (KIRBY, "e lui cosa ha detto?", "Cosa ha detto John Kirby?"),
    (KIRBY, "Che cosa ha risposto?", "Che cosa ha risposto John Kirby?"),
    (KIRBY, "quanti anni ha?", "Quanti anni ha John Kirby?"),
    (KIRBY, "ne ha parlato?", "Ne ha parlato John Kirby?"),
    (KIRBY, "che cosa ha detto alla BBC?", "Che cosa ha detto alla BBC John Kirby?"),
    (KIRBY, "cosa lo preoccupa?", "Cosa preoccupa John Kirby?"),
    (KIRBY, "chi gli ha risposto?", "Chi ha risposto a John Kirby?"),
    (KIRBY, "cosa pensa il suo ministro?", "Cosa pensa il ministro di John Kirby?"),
    (KIRBY, "what did he say?", "What did John Kirby say?"),
    (KIRBY, "where is his office?", "Where is John Kirby’s office?"),
    (KIRBY, "who met him in Moscow?", "Who met John Kirby in Moscow?"),
    (VISIT, "la sua visita quando finisce?", "La visita di Putin quando finisce?"),
    (VISIT, "quando finisce la visita?", "Quando finisce la visita di Putin a Pyongyang?"),
    (Turn("Kim ha paura?"), "come viaggia lui?", "Come viaggia Kim?"),
    (Turn("Where are the containers?"), "who sent them?", "Who sent the containers?"),
    (VISIT, "chi lo ha invitato?", "Chi ha invitato Putin?"),
    (VISIT, "quando ci andrà Kim?", "Quando andrà Kim la visita di Putin a Pyongyang?"),
    (VISIT, "chi lo ha detto?", "Chi ha detto che è prevista la visita di Putin a Pyongyang?"),
    (MINISTER, "che cosa ha proposto?", "Che cosa ha proposto Sergei Shoigu?"),
    (MINISTER, "what did he propose?", "What did Sergei Shoigu propose?"),
    (Turn(MEETING), "che cosa si diranno?", "Che cosa si diranno Putin e Kim?"),
    (Turn(MEETING), "chi sono loro?", "Chi sono Putin e Kim?"),
    (Turn("Will Putin and Kim meet?"), "who invited them?", "Who invited Putin and Kim?"),
    (Turn("quando arriva putin?", told="Poi Putin arriva."), "chi è lui?", "Chi è putin?"),
]


@pytest.mark.parametrize(("turn", "text", "wording"), POINTING)
def test_what_points_back_gets_what_it_points_to(turn: Turn, text: str, wording: str) -> None:
    found = together(Question.parse(text, previous=(turn,)))
    assert found is not None and found.question.text == wording
    assert not found.elliptic  # searched alone too


ALONE = [
    "Chi ha dipinto la Gioconda?",
    "chi ha dipinto la gioconda?",
    "dove vive lukaku?",
    "Quando è nato Dante?",
    "e Dante quando è nato?",
    "Quanto costa la benzina?",
    "Come si cucina la carbonara?",
    "Chi è il papa?",
    "Che cos'è la fotosintesi?",
    "Chi governa in Francia?",
    "Quali film escono oggi al cinema?",
    "Da dove è partito il treno blindato?",
    "Che tempo fa?",
    "Come stai?",
    "Grazie!",
    "ciao",
    "missili balistici",
    "Vladivostok",
    "Quanto dura il volo da Roma a Tokyo?",
    "What is the capital of France?",
    "Who won the election?",
    "which team won?",
    "quale squadra ha vinto?",
    "what do cats eat?",
    "Who is Lloyd Austin and what did he say?",
    "How are you?",
    "Is there a train to Moscow?",
    "Durante quale evento potrebbero incontrarsi i due leader a Vladivostok?",
    "Quante carrozze ha il treno di Kim?",
    "Quando è finita la guerra di Corea?",
]


@pytest.mark.parametrize("text", ALONE)
@pytest.mark.parametrize("turn", [Turn(MEETING), VISIT, MINISTER], ids=["meeting", "visit", "who"])
def test_a_question_that_stands_by_itself_is_not_mixed_with_the_one_before(
    text: str, turn: Turn
) -> None:
    assert searched(text, turn) is None


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


def test_without_a_question_before_nothing_is_changed() -> None:
    assert searched("e quando?") is None


def test_thanks_are_no_question_to_refer_to() -> None:
    assert searched("e quando?", Turn(MEETING), Turn("grazie")) == INTERROGATIVES[0][2]


def test_what_was_asked_for_is_told_by_its_short_answer() -> None:
    who = Turn("Chi ha elogiato la Corea del Nord?", "Putin", "Poi Putin ha elogiato la Corea.")
    assert searched("perché?", who) == "Perché Putin ha elogiato la Corea del Nord?"
    with_whom = Turn("Con chi si incontra Kim?", "Putin", "Così Putin incontra Kim.")
    assert searched("dove?", with_whom) == "Dove si incontra Kim con Putin?"


def test_an_outlet_is_kept_to_until_another_is_named() -> None:
    turn = Turn(MEETING, sources=("AgenPress",))
    wording = "Quando si incontreranno Putin e Kim secondo AgenPress?"
    assert searched("e quando?", turn) == wording
    assert searched("e secondo ANSA?", turn) == f"{MEETING[:-1]} secondo ANSA?"


def test_nothing_is_longer_than_a_question_may_be() -> None:
    filler = "a" * (MAX_QUESTION - 40)
    assert searched("e Putin?", Turn(f"Dove va {filler}Kim?")) is not None
    filler = "a" * (MAX_QUESTION - len("Dove va Kim?"))
    assert searched("e per quale motivo?", Turn(f"Dove va {filler}Kim?")) is None


def test_the_day_of_the_question_stays() -> None:
    day = datetime.date(2023, 9, 11)
    found = together(Question.parse("e ieri?", day, (Turn(MEETING),)))
    assert found is not None and found.question.day == day


def converse(chain: AnswerChain, *questions: str) -> list[Answer]:
    conversations, answers = Conversations(), []
    for text in questions:
        answers.append(chain.invoke(Question.parse(text, previous=conversations.recall("me"))))
        conversations.remember("me", answers[-1])
    return answers


def test_a_conversation(chain: AnswerChain) -> None:
    where, when, why = converse(chain, MEETING, "e quando?", "e perché?")
    assert where.query == MEETING
    assert when.question == "e quando?" and when.query == "Quando si incontreranno Putin e Kim?"
    assert why.query == "Perché si incontreranno Putin e Kim?"
    assert "cooperazione" in why.quotes[0].text  # "economica" in one article, "militare" in another


def test_a_conversation_in_english(chain: AnswerChain) -> None:
    _, russia = converse(
        chain, "How many containers did North Korea send to Russia?", "and Russia?"
    )
    assert russia.query == "How many containers did Russia send to North Korea?"
    assert "9.000 container" in russia.quotes[0].text


def test_who_is_meant_by_nothing_at_all(chain: AnswerChain) -> None:
    _, told = converse(chain, "Chi è John Everard?", "cosa ha detto alla BBC?")
    assert told.query == "Cosa ha detto alla BBC John Everard?"
    assert "disperata ricerca di munizioni" in told.quotes[0].text


def test_a_change_of_subject_is_answered_as_without_a_conversation(chain: AnswerChain) -> None:
    for text in ("Chi ha dipinto la Gioconda?", "Quando finisce il forum economico orientale?"):
        _, changed = converse(chain, MEETING, text)
        assert changed == chain.invoke(Question.parse(text))


def test_a_refused_question_is_referred_to(chain: AnswerChain) -> None:
    first, second = converse(chain, "Quanti figli ha Kim?", "e Putin?")
    assert first.refused
    assert second.query == "Quanti figli ha Putin?"


@pytest.mark.parametrize(
    ("before", "text", "told"),
    [
        # together they are refused
        (
            "Chi ha dipinto la Gioconda?",
            "quando finisce questo forum economico orientale?",
            "13 settembre",
        ),
        # together they answer, but less surely
        (
            "Dove vive Lukaku?",
            "chi è il suo consigliere per la sicurezza nazionale degli Stati Uniti?",
            "Jake Sullivan",
        ),
    ],
)
def test_words_that_answer_better_alone_are_answered_alone(
    chain: AnswerChain, before: str, text: str, told: str
) -> None:
    assert searched(text, Turn(before)) is not None
    answer = chain.invoke(Question.parse(text, previous=(Turn(before),)))
    assert answer == chain.invoke(Question.parse(text))
    assert told in answer.quotes[0].text


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
    clock.now = 118  # a question begins the while anew
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
    said = indexed_place.run("chat", stdin="\n".join(typed)).stdout
    assert said.count("cercato: Quando si incontreranno Putin e Kim?") == 1
    before, after = said.split("Ricominciamo:")
    assert "cercato: Quando" in before and "cercato: " not in after


def test_ask_remembers_nothing(indexed_place: Workplace) -> None:
    found = indexed_place.json("ask", "--json", "-", stdin=f"{MEETING}\ne quando?\n")
    assert [answer["query"] for answer in found] == [MEETING, "e quando?"]

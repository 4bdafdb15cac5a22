"""News ages: questions about a dated corpus, and what they say of outlets and of time."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

import pytest

from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.generations.layout import Locations
from index.models.embedder import Embedder
from retrieval.answer import Answer, Question
from retrieval.answering.reader import Reader
from retrieval.answering.search import HybridSearch, find_passages, worth_reading
from retrieval.chain import AnswerChain
from retrieval.conversation import Interpretation
from retrieval.questions.scope import scoped
from tests.conftest import Workplace
from tests.warm import Warm

TODAY = datetime.date(2025, 1, 15)
SOURCES = ["AgenPress", "Globalist.it", "La Stampa"]
DATES = ["2023-09-11", "2024-06-19", "2024-10-02T08:00:00"]
AskToday = Callable[[str], Answer]

ARTICLES = {
    "sindaco-2022.txt": """---
title: Il nuovo sindaco
source: Il Corriere del Lago
date: 2022-05-10
---
Valdoria ha scelto. Il sindaco di Valdoria è Marco Rossi, eletto ieri con il 54 per cento dei voti.
La biblioteca riaprirà in autunno.
""",
    "sindaco-2024.txt": """---
title: Cambio in municipio
source: Gazzetta di Valdoria
date: 2024-06-12
---
Si volta pagina. Il sindaco di Valdoria è Anna Bianchi, eletta domenica al ballottaggio.
La nuova giunta sarà presentata lunedì.
""",
    "autobus-2023.txt": """---
source: Il Corriere del Lago
date: 2023-03-01
---
Da oggi il biglietto dell'autobus a Valdoria costa 1,50 euro. L'abbonamento resta invariato.
""",
    "autobus-2024.txt": """---
source: Gazzetta di Valdoria
date: 2024-10-02
---
Il biglietto dell'autobus a Valdoria costa 2 euro da ieri. I pensionati viaggiano gratis.
""",
    "mercato.txt": """Il mercato di Valdoria si tiene ogni giovedì in piazza Garibaldi.
""",
    "fiera.txt": """---
date: 2024-07-01
---
La sagra della trota di Valdoria nacque nel 1998 per volere dei pescatori del paese.
""",
}


@pytest.fixture(scope="module")
def ask_today(
    tmp_path_factory: pytest.TempPathFactory, warm: Warm, embedder: Embedder, reader: Reader
) -> Iterator[AskToday]:
    place = Workplace(tmp_path_factory.mktemp("dated"), warm)
    for name, text in ARTICLES.items():
        place.write(name, text)
    sync(Locations(place.corpus, place.data), embedder)
    index = CurrentIndex(place.data)
    chain = AnswerChain(index, embedder, reader)
    yield lambda text: chain.invoke(Question.parse(text, TODAY))
    index.close()


def told(answer: Answer) -> list[tuple[str, str | None]]:
    return [(quote.article, quote.date) for quote in answer.quotes]


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("Chi era il sindaco di Valdoria nel 2023?", "Chi era il sindaco di Valdoria?"),
        ("Chi era il sindaco prima di giugno 2024?", "Chi era il sindaco?"),
        ("Nel settembre del 2023 dove andò Kim?", "Dove andò Kim?"),
        ("Quanto costa attualmente il biglietto?", "Quanto costa il biglietto?"),
        ("Where did Kim go after June 2023?", "Where did Kim go?"),
    ],
)
def test_an_article_of_the_time_asked_for_is_read_without_it(question: str, read: str) -> None:
    asked = scoped(Question(question, TODAY), SOURCES, DATES)
    covered = next(date for date in DATES if asked.scope.covers(date))
    assert asked.wording_for(covered).text == read
    if not asked.scope.newest:
        assert asked.wording_for(None).text == question


def test_of_articles_that_contradict_each_other_the_newest_is_first(ask_today: AskToday) -> None:
    answer = ask_today("Chi è il sindaco di Valdoria?")
    assert told(answer)[:2] == [
        ("sindaco-2024.txt", "2024-06-12"),
        ("sindaco-2022.txt", "2022-05-10"),
    ]
    assert answer.differing and answer.answer == "Anna Bianchi"
    answer = ask_today("Quanto costa il biglietto dell'autobus a Valdoria?")
    assert told(answer)[0] == ("autobus-2024.txt", "2024-10-02")
    assert ("autobus-2023.txt", "2023-03-01") in told(answer)


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("Chi era il sindaco di Valdoria nel 2022?", "sindaco-2022.txt"),
        ("Chi è diventato sindaco di Valdoria dopo il 2023?", "sindaco-2024.txt"),
        ("Chi era il sindaco di Valdoria prima di giugno 2023?", "sindaco-2022.txt"),
        ("Quanto costava il biglietto dell'autobus a marzo 2023?", "autobus-2023.txt"),
        ("Quanto costa l'autobus a Valdoria dopo settembre?", "autobus-2024.txt"),
        ("Quanto costa attualmente il biglietto dell'autobus a Valdoria?", "autobus-2024.txt"),
        ("Secondo il Corriere del Lago, chi è il sindaco di Valdoria?", "sindaco-2022.txt"),
    ],
)
def test_a_question_keeps_to_its_time_and_its_outlet(
    ask_today: AskToday, question: str, article: str
) -> None:
    answer = ask_today(question)
    assert not answer.refused
    assert answer.quotes[0].article == article
    kept = answer.scope
    for quote in answer.quotes:
        assert not kept.sources or quote.source in kept.sources
        assert quote.date is None or kept.covers(quote.date)


def test_an_article_of_another_time_may_name_the_time(ask_today: AskToday) -> None:
    answer = ask_today("Quale sagra nacque a Valdoria nel 1998?")
    assert told(answer)[0] == ("fiera.txt", "2024-07-01")


def test_an_article_without_a_date_is_never_given_one(ask_today: AskToday) -> None:
    answer = ask_today("Quando si tiene il mercato di Valdoria?")
    assert told(answer)[0] == ("mercato.txt", None)


def test_what_no_article_of_the_time_tells_is_refused(ask_today: AskToday) -> None:
    for question in (
        "Chi era il sindaco di Valdoria nel 2010?",
        "Chi ha detto di essere il sindaco di Valdoria la settimana scorsa?",
    ):
        answer = ask_today(question)
        assert answer.refused and answer.scope.since


@pytest.mark.parametrize(
    ("text", "searched", "sources"),
    [
        ("Secondo AgenPress, da dove è partito?", "Da dove è partito?", ("AgenPress",)),
        ("Chi ha incontrato Kim, secondo Globalist?", "Chi ha incontrato Kim?", ("Globalist.it",)),
        ("secondo agenpress chi è partito", "Chi è partito", ("AgenPress",)),
        ("Che cosa scrive AgenPress di Kim?", "Che cosa scrive AgenPress di Kim?", ("AgenPress",)),
        ("According to AgenPress, where is Kim?", "Where is Kim?", ("AgenPress",)),
        ("Secondo La Stampa chi vince?", "Chi vince?", ("La Stampa",)),
        ("secondo la stampa russa chi vince?", "secondo la stampa russa chi vince?", ()),
        ("Chi ha fondato AgenPress?", "Chi ha fondato AgenPress?", ()),
        ("Secondo Repubblica chi vince?", "Secondo Repubblica chi vince?", ()),
        ("Secondo AgenPress", "Secondo AgenPress", ("AgenPress",)),
    ],
)
def test_an_outlet_is_one_where_the_question_says_so(
    text: str, searched: str, sources: tuple[str, ...]
) -> None:
    asked = scoped(Question.parse(text, TODAY), SOURCES, DATES)
    assert (asked.question.text, asked.scope.sources) == (searched, sources)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("Chi vinse nel 2023?", "2023-01-01", "2024-01-02"),
        ("Che cosa è successo a settembre?", "2024-09-01", "2024-10-02"),
        ("Che cosa è successo a giugno?", "2024-06-01", "2024-07-02"),
        ("Che cosa è successo dopo giugno?", "2024-07-01", None),
        ("Che cosa accadde dopo il 13 settembre 2023?", "2023-09-14", None),
        ("Chi governava prima del 2024?", None, "2023-12-31"),
        ("Chi è arrivato dal maggio del 2024?", "2024-05-01", None),
        ("Chi è arrivato fino a giugno 2024?", None, "2024-06-30"),
        ("Chi è arrivato tra giugno e settembre 2024?", "2024-06-01", "2024-09-30"),
        ("Che cosa disse l'anno scorso?", "2024-01-01", "2025-01-02"),
        ("Che cosa disse lo scorso mese?", "2024-12-01", "2025-01-02"),
        ("Che cosa disse la settimana scorsa?", "2025-01-06", "2025-01-14"),
        ("Che cosa disse ieri?", "2025-01-14", "2025-01-16"),
        ("What happened in September 2023?", "2023-09-01", "2023-10-02"),
        ("May I ask who won?", None, None),
        ("Quanti anni ha Kim?", None, None),
        ("Il 2500 è un anno?", None, None),
    ],
)
def test_a_time_is_read_as_days(text: str, since: str | None, until: str | None) -> None:
    scope = scoped(Question.parse(text, TODAY), SOURCES, DATES).scope
    assert (scope.since and scope.since.isoformat()) == since
    assert (scope.until and scope.until.isoformat()) == until


def test_where_no_article_has_a_date_no_time_is_kept_to() -> None:
    scope = scoped(Question.parse("Qual è l'ultimo libro del 2023?", TODAY), SOURCES, []).scope
    assert scope.since is None and scope.until is None and not scope.newest


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("Qual è l'ultimo incontro?", True),
        ("Che cosa ha detto Putin di recente?", True),
        ("What is the latest news?", True),
        ("Chi arrivò ultimo?", False),
        ("Dove si incontreranno?", False),
    ],
)
def test_the_newest_is_asked_for_in_words(text: str, newest: bool) -> None:
    assert scoped(Question.parse(text, TODAY), SOURCES, DATES).scope.newest is newest


def test_where_nothing_is_of_another_time_as_much_is_read_as_ever(
    generation: Generation, embedder: Embedder
) -> None:
    question = Question.parse("Che cosa ha detto Kim nel 2023?", TODAY)
    asked = scoped(question, generation.sources, ["2023-09-11"])
    assert asked.scope.since
    every = worth_reading(HybridSearch(generation, embedder).passages(asked.question.text))
    found = find_passages(asked, generation, embedder, Interpretation(asked.question))
    assert [one.passage.id for one in found] == [one.passage.id for one in every]

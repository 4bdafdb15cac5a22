"""Messages that ask for no single fact: what they are taken for, and what comes back."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from bot.captions import refusal
from bot.locales import texts, texts_for_user
from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Answer, Intent, Question, Quotation, Reason, Turn
from retrieval.answering.lists import in_order
from retrieval.answering.summaries import central_sentences
from retrieval.chain import AnswerChain
from retrieval.questions.intent import IntentClassifier
from retrieval.questions.scope import named_outlets
from retrieval.questions.topic import missing_names, topic
from tests.conftest import Workplace

Ask = Any
ARTICLES = {
    "agenpress": "001_3eaa1e106d62cb25.txt",
    "globalist": "004_3735a5c7a403e3e4.txt",
}


@pytest.fixture(scope="module")
def intents(embedder: Embedder) -> IntentClassifier:
    return IntentClassifier(embedder)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("ciao", Intent.HELLO),
        ("Buon giorno!", Intent.HELLO),
        ("Good morning", Intent.HELLO),
        ("Grazie mille 🙏", Intent.THANKS),
        ("Thank you very much!", Intent.THANKS),
        ("ok", Intent.OK),
        ("aiuto", Intent.HELP),
        ("chi sei?", Intent.HELP),
        ("cosa sai fare?", Intent.HELP),
        ("non ho capito", Intent.CONFUSED),
        ("?", Intent.CONFUSED),
        ("Di cosa parlano gli articoli?", Intent.SUBJECTS),
        ("What are the articles about?", Intent.SUBJECTS),
        ("dimmi di più", Intent.MORE),
        ("chi lo dice?", Intent.SOURCE),
        ("Riassumi l'articolo sul treno", Intent.SUMMARY),
        ("summarize the Globalist article", Intent.SUMMARY),
        ("Parlami della visita di Putin", Intent.SUMMARY),
        ("dimmi qualcosa su Shoigu", Intent.SUMMARY),
        ("cosa si sa del treno?", Intent.SUMMARY),
        ("Tell me about Putin", Intent.SUMMARY),
        ("treno blindato", Intent.SUMMARY),
        ("dimmi cosa puoi fare", Intent.HELP),
        ("tell me a joke", Intent.BEYOND),
        ("Háblame de Javier Milei", Intent.FOREIGN),
        ("ultime notizie", Intent.NEWEST),
        ("Quali ministri russi sono citati?", Intent.LIST),
        ("quanti articoli parlano di Vostochny?", Intent.COUNT),
        ("che cosa dicono i giornali sul treno?", Intent.COMPARE),
        ("Che cosa ha detto Kirby?", Intent.SAID),
        ("secondo te chi vincerà?", Intent.BEYOND),
        ("Куда едет поезд Кима?", Intent.FOREIGN),
        ("Combien de temps a duré la visite à l'église ?", Intent.FOREIGN),
        ("Di cosa parlano Kim e Putin?", Intent.FACT),
        ("Chi ringrazia Putin?", Intent.FACT),
        ("Buongiorno, dove si incontrano Putin e Kim?", Intent.FACT),
        ("e quando?", Intent.FACT),
        ("Putin ha incontrato Kim?", Intent.YESNO),
        ("do the articles agree on when the ship sank?", Intent.COMPARE),
        ("cosa è successo, in ordine, la notte del crollo?", Intent.TIMELINE),
        ("qaunti articli parlano di trno", Intent.COUNT),
        ("utlime notzie", Intent.NEWEST),
    ],
)
def test_what_a_message_asks_for(intents: IntentClassifier, text: str, intent: Intent) -> None:
    found, probability = intents.classify(text, follows=True)
    assert found is intent and 0.2 < probability <= 1.0


def test_a_summary_is_of_the_outlet_that_is_named(ask: Ask) -> None:
    answer = ask("di cosa parla l'articolo di AgenPress?")
    assert answer.intent is Intent.SUMMARY and not answer.refused
    assert {quote.article for quote in answer.quotes} == {ARTICLES["agenpress"]}
    assert "visiterà la Russia nei prossimi giorni" in answer.quotes[0].text
    english = ask("summarize the globalist article")
    assert {quote.article for quote in english.quotes} == {ARTICLES["globalist"]}


def test_a_summary_on_a_subject_names_it(ask: Ask) -> None:
    balloons = ask("riassumimi l'articolo sui palloncini pieni di rifiuti")
    assert any("palloncini" in quote.text for quote in balloons.quotes)
    train = ask("Riassumi le notizie sul treno")
    by_article: dict[str, str] = {}
    for quote in train.quotes:
        by_article[quote.article] = by_article.get(quote.article, "") + quote.text
    assert len(by_article) == 3 and all("treno" in text for text in by_article.values())


@pytest.mark.parametrize(
    ("text", "name", "count"),
    [
        ("Dimmi qualcosa su Shoigu", "Shoigu", all),
        ("palloncini", "palloncini", all),
        ("Kim Jong-un", "Kim", any),
        ("tell me about the armored train", "treno blindato", any),
    ],
)
def test_a_subject_that_is_only_named_gets_what_names_it(
    ask: Ask, text: str, name: str, count: Callable[[Iterable[bool]], bool]
) -> None:
    answer = ask(text)
    assert answer.intent is Intent.SUMMARY and answer.quotes
    assert count(name in quote.text for quote in answer.quotes)


def test_all_articles_that_name_a_subject_tell_of_it(ask: Ask) -> None:
    quotes = ask("Cosa si dice di Kirby?").quotes
    assert len({quote.article for quote in quotes}) == 2
    assert all("Kirby" in quote.text for quote in quotes)


def test_words_that_ask_do_not_choose_the_articles(ask: Ask) -> None:
    requests = (
        "Parlami del treno",
        "Cosa si sa del treno?",
        "treno",
        "Riassumi le notizie sul treno",
    )
    chosen = {tuple(quote.key for quote in ask(text).quotes) for text in requests}
    assert len(chosen) == 1 and len({key[0] for key in chosen.pop()}) == 3


@pytest.mark.parametrize(
    "text",
    ["parlami della fotosintesi", "riforma delle pensioni", "tell me about photosynthesis",
     "notizie sul granchio blu"],
)  # fmt: skip
def test_a_subject_that_no_article_has_is_refused(ask: Ask, text: str) -> None:
    answer = ask(text)
    assert answer.reason is Reason.NOTHING_FOUND and not answer.quotes


def test_the_latest_news_are_a_sentence_of_each_article(ask: Ask) -> None:
    answer = ask("ultime notizie")
    articles = [quote.article for quote in answer.quotes]
    assert answer.intent is Intent.NEWEST and len(set(articles)) == len(articles) == 5


def test_news_of_somebody_name_them(ask: Ask) -> None:
    answer = ask("novità su Shoigu?")
    assert answer.intent is Intent.NEWEST and "Shoigu" in answer.quotes[0].text


def test_sentences_that_carry_an_article_are_whole_and_in_order(
    generation: Generation, embedder: Embedder
) -> None:
    article = generation.store.article(ARTICLES["agenpress"])
    assert article is not None
    spans = central_sentences(article, generation, embedder, 3)
    texts = [article.text[span.start : span.end] for span in spans]
    assert spans == sorted(spans) and len(spans) == 3
    assert all(text[-1] in ".”»" for text in texts) and article.title not in texts


def test_a_list_has_all_that_answers(ask: Ask) -> None:
    answer = ask("Quali ministri russi sono citati?")
    listed = " ".join(quote.text for quote in answer.quotes)
    assert answer.intent is Intent.LIST
    assert "Shoigu" in listed and "Belousov" in listed and "Manturov" in listed
    assert len({quote.key for quote in answer.quotes}) == len(answer.quotes)


def test_of_what_somebody_said_only_that_is_quoted(ask: Ask) -> None:
    answer = ask("Che cosa ha detto Kirby?")
    assert len(answer.quotes) >= 3
    assert all("Kirby" in quote.text for quote in answer.quotes)


def test_outlets_are_compared_a_sentence_each(ask: Ask) -> None:
    answer = ask("che cosa dicono i giornali sul treno?")
    assert answer.intent is Intent.COMPARE and len(answer.quotes) == 3
    assert all("treno" in quote.text for quote in answer.quotes)
    assert len({quote.article for quote in answer.quotes}) == 3


def test_accounts_that_differ_stand_beside_each_other(ask: Ask) -> None:
    answer = ask("do the articles agree on where Kim and Putin met last September?")
    assert answer.intent is Intent.COMPARE and answer.answer is None
    first, second = (quote.text for quote in answer.quotes)
    assert "spazioporto di Vostochny" in first and "Vladivostok" in second


def test_an_outlet_that_was_asked_and_says_nothing_is_named(ask: Ask) -> None:
    answer = ask("confronta AgenPress e Globalist sul treno")
    assert [quote.source for quote in answer.quotes] == ["AgenPress"]
    assert answer.silent == ("Globalist.it",)


def test_articles_are_counted_by_their_words(ask: Ask) -> None:
    answer = ask("quanti articoli parlano del treno blindato?")
    assert answer.count is not None
    assert (answer.count.articles, answer.count.total) == (3, 5)
    assert answer.count.words == "treno blindato"
    assert len(answer.quotes) == 3
    assert answer.as_json()["count"]["articles"] == 3


def test_words_that_no_article_has_are_not_counted(ask: Ask) -> None:
    """The articles tell of it in other words: the nearest sentence shows which."""
    answer = ask("how many articles mention the armored train?")
    assert answer.refused and answer.count is not None and answer.count.articles == 0
    assert refusal(answer, texts_for_user("en", None)).startswith(
        "No article contains “armored train”"
    )
    assert "treno blindato" in answer.near[0].text


def test_what_the_articles_speak_of_is_not_denied(ask: Ask) -> None:
    """They name both, but do not answer."""
    answer = ask("Quanto pesa il treno blindato di Kim Jong-un?")
    assert answer.reason is Reason.NOT_ANSWERED and "treno" in answer.near[0].text
    assert ask("Quanto pesa la Torre di Pisa?").reason is Reason.NOTHING_FOUND


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("secondo te la Russia vincerà la guerra?", Reason.BEYOND),
        ("Куда едет поезд?", Reason.FOREIGN),
        ("grazie!", Reason.TALK),
        ("dimmi di più", Reason.TALK),  # than what?
        ("e quando?", Reason.TALK),  # what?
    ],
)
def test_what_no_article_answers_is_said_for_what_it_is(
    ask: Ask, text: str, reason: Reason
) -> None:
    answer = ask(text)
    assert answer.reason is reason and answer.quotes == answer.near == ()


def test_a_name_that_no_article_has_is_told(ask: Ask) -> None:
    assert ask("cosa dice Giorgia Meloni?").missing == ("Giorgia Meloni",)
    assert ask("does any article mention Zohran Mamdani?").missing == ("Zohran Mamdani",)
    assert ask("Quanti anni ha il cugino di Putin?").missing == ()


def after(chain: AnswerChain, *texts: str) -> list[Answer]:
    """The answers of a conversation."""
    answers: list[Answer] = []
    turns: tuple[Turn, ...] = ()
    for text in texts:
        answers.append(chain.invoke(Question.parse(text, previous=turns)))
        turns = (*turns, Turn.of(answers[-1]))
    return answers


def test_more_is_what_was_not_shown_yet(chain: AnswerChain) -> None:
    first, second, third = after(
        chain, "quando arriva Putin a Pyongyang?", "dimmi di più", "dimmi di più"
    )
    keys = [quote.key for answer in (first, second, third) for quote in answer.quotes]
    assert second.quotes and third.quotes and len(set(keys)) == len(keys)
    assert second.answer is None and second.follows == "quando arriva Putin a Pyongyang?"
    assert second.query == third.query == first.query


def test_a_long_list_goes_on_page_by_page(chain: AnswerChain) -> None:
    first, second = after(
        chain, "tutte le armi che la Corea del Nord ha dato alla Russia", "altro?"
    )
    assert first.total > len(first.quotes) == 5
    assert second.seen == tuple(quote.key for quote in first.quotes)
    assert not set(second.seen) & {quote.key for quote in second.quotes}


def test_more_ends(chain: AnswerChain) -> None:
    answers = after(chain, "che cosa dicono i giornali sul treno?", *["dimmi di più"] * 40)
    assert answers[-1].reason is Reason.NO_MORE and not answers[-1].quotes


def test_a_refusal_is_nothing_to_go_on_from(chain: AnswerChain) -> None:
    refused, *rest = after(chain, "Quanto costa il treno di Kim?", "dimmi di più", "chi lo dice?")
    assert refused.near and [answer.reason for answer in rest] == [Reason.TALK] * 2
    first, _, more = after(
        chain, "Dove va il treno blindato?", "Quanto costa il treno di Kim?", "dimmi di più"
    )
    assert more.follows == first.question and more.seen == tuple(q.key for q in first.quotes)


def test_more_of_a_count_has_its_words_and_another_count_is_another(chain: AnswerChain) -> None:
    _, more, whole = after(
        chain, "Quanti articoli parlano di Vostochny?", "dimmi di più", "Quanti articoli ci sono?"
    )
    assert more.reason is Reason.NO_MORE and refusal(more, texts("it")).startswith("Non c’è altro")
    assert whole.count is not None and (whole.count.words, whole.count.articles) == ("", 5)


def test_a_question_about_a_name_that_no_article_has_is_no_follow_up(chain: AnswerChain) -> None:
    _, answer = after(chain, "Dove va il treno blindato?", "Chi ha dipinto la Gioconda?")
    assert answer.missing == ("Gioconda",) and not answer.follows


def test_who_says_so_is_what_was_shown(chain: AnswerChain) -> None:
    first, source = after(chain, "quando arriva Putin a Pyongyang?", "chi lo dice?")
    assert source.intent is Intent.SOURCE and source.quotes[0].text == first.quotes[0].text


def test_a_summary_of_what_was_just_quoted(chain: AnswerChain) -> None:
    first, summary = after(chain, "Chi è John Everard?", "riassumilo")
    assert summary.intent is Intent.SUMMARY
    assert {quote.article for quote in summary.quotes} <= {quote.article for quote in first.quotes}


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("riassumi l'articolo sul treno blindato", "treno blindato"),
        ("che cosa dicono i giornali sul treno?", "treno"),
        ("ultime notizie", ""),
        ("cos'è successo a New York? fammi un riassunto", "New York"),
        ("summarize the news about Kim", "Kim"),
        ("do the papers agree on where they met?", "where they met"),
        ("cosa ottiene Kim in cambio? confronta i giornali", "cosa ottiene Kim in cambio"),
    ],
)
def test_the_topic_is_without_the_words_that_ask(text: str, about: str) -> None:
    assert topic(text) == about


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Che cosa dice Meloni di Putin?", ("Meloni",)),
        ("Meloni che cosa dice?", ()),  # its first word may be any, and dictionaries have it
        ("Brambillowski che cosa dice?", ("Brambillowski",)),
        ("CHE COSA DICE MELONI?", ()),
        ("che cosa scrive AgenPress?", ()),
        ("che cosa ha detto Kim?", ()),
        ("Fammi il punto sulle armi", ()),
    ],
)
def test_names_that_are_missing(
    generation: Generation, text: str, missing: tuple[str, ...]
) -> None:
    assert missing_names(text, generation) == missing


def test_outlets_are_found_wherever_they_stand() -> None:
    sources = ["AgenPress", "Globalist.it", "La Stampa", "Il"]
    assert named_outlets("confronta agenpress e Globalist", sources) == tuple(sources[:2])
    assert named_outlets("che cosa dice la stampa?", sources) == ()
    assert named_outlets("che cosa dice La Stampa? Il …", sources) == ("La Stampa",)


def quoted(article: str, start: int, date: str | None) -> Quotation:
    return Quotation("x", article, None, "", date, None, start, start + 1, "", 0.0)


def test_lists_are_in_the_order_of_time_or_of_the_articles() -> None:
    late, early = quoted("a", 5, "2024-02-01"), quoted("b", 0, "2023-01-01")
    assert in_order([late, early]) == (early, late)
    first, second, third = quoted("b", 9, None), quoted("a", 0, None), quoted("b", 2, None)
    assert in_order([first, second, third]) == (third, first, second)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("DOVE VA KIM?", "dove va kim?"),
        ("ONU", "ONU"),
        ("xke kim nn va in Cina", "perché kim non va in Cina"),
        ("Che fa l'ONU?", "Che fa l'ONU?"),
        ("Perche' Putin e gia partito?", "Perché Putin è già partito?"),
        ("Dov'e Kim? E chi e Kirby?", "Dov'è Kim? E chi è Kirby?"),
        ("Sara Neri, chi e quando?", "Sara Neri, chi e quando?"),
    ],
)
def test_a_question_is_read_as_it_was_meant(typed: str, read: str) -> None:
    assert Question.parse(typed, datetime.date(2026, 1, 1)).text == read


def test_the_terminal_shows_requests_and_goes_on(indexed_place: Workplace) -> None:
    lines = [
        "riassumi l'articolo di AgenPress", "quanti articoli parlano del treno blindato?",
        "aiuto!", "cosa dice Meloni?", "non ho capito",
    ]  # fmt: skip
    said = indexed_place.run("chat", stdin="\n".join(lines)).stdout
    assert "[1–" in said and "AgenPress · Cremlino" in said
    assert "Articoli con «treno blindato»: 3 su 5" in said
    assert "Per esempio: «Riassumi" in said
    assert "Nessun articolo nomina «Meloni»." in said
    assert "Ho risposto a «" in said

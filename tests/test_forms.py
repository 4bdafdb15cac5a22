"""Interviews, lists, tables, verses, capitals, dialogues, transcripts: answers that are whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from bot.locales import texts
from bot.telegram.messages import answer_messages
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from retrieval.answer import Answer, Question
from retrieval.answering.article_lines import MAX_PAIR_LENGTH
from retrieval.answering.highlights import marked_words
from retrieval.answering.reader import Reader
from retrieval.chain import AnswerChain

SPOKEN = (
    "e quindi il consiglio diciamo ha parlato delle strade e della sera che i consiglieri hanno "
)
TOWNS = """Acri Adria Alba Amelia Andria Anzio Aosta Arona Assisi Atri Bardi Bari Biella Capri Cles
Cori Eboli Enna Erba Fermo Bobbio""".split()
RAIN = "".join(f"| {town} | {n + 20} mm | {n} giorni |\n" for n, town in enumerate(TOWNS))
FILES = {
    "piogge.md": f"""# Piogge, i dati del mese

Il mese è stato piovoso in quasi tutte le città, dice il centro di Osimo.

| Città | Pioggia caduta | Giorni senza pioggia |
|---|---|---|
{RAIN}""",
    "intervista.md": """# Parla la direttrice

**Direttrice Corsi, quando riapre il museo di Ostra?**

Il 4 ottobre, se l'impianto antincendio passa il collaudo.

**Si dice che il biglietto del museo costerà dieci euro. È vero?**

No, sei euro, e per gli studenti la metà.
""",
    "elenco.md": """# Acqua, la giunta decide

La giunta di Arcevia ha approvato il piano contro la siccità. Il piano prevede tre misure:

- divieto di irrigare i giardini dalle 8 alle 20
- sconto del 30 per cento a chi ricicla l'acqua piovana
- un nuovo pozzo in contrada Palazzo
""",
    "tabella.md": """# Affitti, i dati

Gli affitti salgono in tutta la provincia, dice il sindacato degli inquilini.

| Comune | Affitto medio | Variazione |
|---|---|---|
| Jesi | 540 euro | +4% |
| Senigallia | 690 euro | +9% |
""",
    "diretta.txt": """Alluvione, la diretta

15:20
I vigili del fuoco salvano due anziani a Brugnetto.

16:40
Il prefetto ordina la chiusura delle scuole di Corinaldo.
""",
    "neve.txt": """Neve nel Montefeltro, la diretta

17:10 – Asili chiusi a Carpegna

18:25 – Riaperta la strada per Pennabilli

Skipass giornaliero 18 euro
""",
    "frana.html": """<html><head><title>Frana a Pergola, la diretta</title></head><body><main>
<h1>Frana a Pergola, la diretta</h1>
<div><time>21:30</time><h3>Evacuata la casa di riposo</h3>
<p>Quaranta anziani passano la notte nella palestra di Cagli.</p></div>
<div><time>20:45</time><h3>Acquedotto interrotto</h3>
<p>Le autobotti arrivano domattina in piazza Ginevri.</p></div></main></body></html>
""",
    "ballata.txt": """La ballata del faro

Sul molo nero di Numana vecchia
Il guardiano Tobia accende il lume
E conta fino a cento le lampare
""",
    "capitali.txt": """SINDACO DI BARBARA ARRESTATO
IL SINDACO DI BARBARA, LINO PESCI, È STATO ARRESTATO IERI. SECONDO LA PROCURA HA PRESO TRENTAMILA \
EURO DA UN COSTRUTTORE. IL P.M. DORA VALLI CHIEDE GLI ARRESTI DOMICILIARI.
""",
    "dialogo.txt": """Al mercato di Chiaravalle

– Quanto costano le vongole? – chiede la signora Pina.
– Quattordici euro al chilo – risponde Gino, il pescivendolo.
– E le cozze?
– Quelle tre euro.
""",
    "trascrizione.txt": SPOKEN * 40
    + "poi il sindaco ha detto che la funivia di Frontone riapre il nove maggio "
    + SPOKEN * 40,
}


@pytest.fixture(scope="module")
def forms(
    embedder: Embedder, reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AnswerChain]:
    place = tmp_path_factory.mktemp("forms")
    (place / "corpus").mkdir()
    for name, text in FILES.items():
        (place / "corpus" / name).write_text(text, encoding="utf-8")
    sync(Locations(place / "corpus", place / "data"), embedder)
    with closing(CurrentIndex(place / "data")) as index:
        yield AnswerChain(index, embedder, reader)


def asked(forms: AnswerChain, question: str) -> Answer:
    return forms.invoke(Question.parse(question))


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        (
            "Quando riapre il museo di Ostra?",
            "Direttrice Corsi, quando riapre il museo di Ostra?\n\n"
            "Il 4 ottobre, se l'impianto antincendio passa il collaudo.",
        ),
        (
            "Quanto costerà il biglietto del museo?",
            "Si dice che il biglietto del museo costerà dieci euro. È vero?\n\n"
            "No, sei euro, e per gli studenti la metà.",
        ),
        (
            "Che sconto avrà chi ricicla l'acqua piovana?",
            "Il piano prevede tre misure:\n\n- divieto di irrigare i giardini dalle 8 alle 20\n"
            "- sconto del 30 per cento a chi ricicla l'acqua piovana",
        ),
        (
            "Quali misure prevede il piano contro la siccità?",
            "Il piano prevede tre misure:\n\n- divieto di irrigare i giardini dalle 8 alle 20\n"
            "- sconto del 30 per cento a chi ricicla l'acqua piovana\n"
            "- un nuovo pozzo in contrada Palazzo",
        ),
        (
            "Quanto costa l'affitto medio a Senigallia?",
            "Comune | Affitto medio | Variazione\nJesi | 540 euro | +4%\n"
            "Senigallia | 690 euro | +9%",
        ),
        (
            "A che ora è stata ordinata la chiusura delle scuole?",
            "16:40\nIl prefetto ordina la chiusura delle scuole di Corinaldo.",
        ),
        ("A che ora sono stati chiusi gli asili di Carpegna?", "17:10 – Asili chiusi a Carpegna"),
        (
            "Quando è stata riaperta la strada per Pennabilli?",
            "18:25 – Riaperta la strada per Pennabilli",
        ),
        (
            "A che ora è stata evacuata la casa di riposo?",
            "21:30 Evacuata la casa di riposo\n\n"
            "Quaranta anziani passano la notte nella palestra di Cagli.",
        ),
        ("Quanto costa lo skipass giornaliero?", "Skipass giornaliero 18 euro"),
        ("Chi accende il lume?", "Il guardiano Tobia accende il lume"),
        (
            "Quanto ha preso il sindaco di Barbara?",
            "SECONDO LA PROCURA HA PRESO TRENTAMILA EURO DA UN COSTRUTTORE.",
        ),
        (
            "Quanto costano le vongole?",
            "– Quanto costano le vongole? – chiede la signora Pina.\n"
            "– Quattordici euro al chilo – risponde Gino, il pescivendolo.",
        ),
    ],
)
def test_what_introduces_an_answer_is_quoted_with_it(
    forms: AnswerChain, question: str, quoted: str
) -> None:
    answer = asked(forms, question)
    assert not answer.refused
    assert answer.quotes[0].text == quoted


def test_a_row_far_below_the_head_of_its_table_is_quoted_with_it(forms: AnswerChain) -> None:
    answer = asked(forms, "Quanta pioggia è caduta a Bobbio?")
    quote = answer.quotes[0]
    assert quote.text == "Bobbio | 40 mm | 20 giorni"
    assert quote.head and quote.head.text == "Città | Pioggia caduta | Giorni senza pioggia"
    assert quote.end - quote.head.start > MAX_PAIR_LENGTH
    text = "Città | Pioggia caduta | Giorni senza pioggia\n[…]\nBobbio | 40 mm | 20 giorni"
    assert quote.shown == text
    words = marked_words(answer, quote)
    assert "Bobbio" in [text[word.start : word.end] for word in words] or answer.answer
    assert text in answer_messages(answer, texts("it"))[0].plain
    assert answer.as_json()["quotes"][0]["head"]["text"] == quote.head.text


def test_the_words_of_who_asks_are_no_answer(forms: AnswerChain) -> None:
    answer = asked(forms, "Quanto costerà il biglietto del museo?")
    assert answer.answer in (None, "sei euro")
    assert asked(forms, "A che ora è stata ordinata la chiusura delle scuole?").answer == "16:40"


def test_a_transcript_without_stops_is_found_and_quoted_in_short(forms: AnswerChain) -> None:
    answer = asked(forms, "Quando riapre la funivia di Frontone?")
    assert not answer.refused
    assert "nove maggio" in answer.quotes[0].text
    assert len(answer.quotes[0].text) <= 400

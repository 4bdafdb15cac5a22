"""Whether a sentence is in the articles: on the five of the corpus, and from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.locales import texts
from bot.verdicts import Quoted, verdict_line, verification_parts
from index.building.sync import sync
from index.generations.generation import Generation
from index.generations.layout import Locations, generations_dir
from index.generations.pointer import current_name
from index.models.embedder import Embedder
from index.text.wording import differences
from retrieval.answering.quotations import is_verbatim
from retrieval.verifying.claim import MAX_CLAIM
from retrieval.verifying.outcome import ClaimError, Verdict
from retrieval.verifying.verification import verify
from tests.conftest import ITALIAN, Workplace

TRAIN = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang per la Russia"
KIRBY = "Non siamo preoccupati per il viaggio"
CONTAINERS = (
    "la Corea del Nord aveva già spedito in Russia circa 7.000 container pieni di munizioni"
)
VISIT = "Il viaggio segna la prima visita di Kim all’estero in più di quattro anni"
YES = ("Sì, parola per parola", "Yes, word for word")
ALMOST = ("Sì, a parte maiuscole e punteggiatura", "Yes, apart from capitals and punctuation")
STITCHED = ("No: cucita da due frasi", "No: stitched together from two sentences")
NOWHERE = (
    "Non c’è: gli articoli non hanno questa frase",
    "Not there: the articles do not have this sentence",
)
ONE = ("No: una parola diversa", "No: one word is different")
TWO = ("No: due parole diverse", "No: two words are different")
NO_NOT = ("No: manca «{}»", "No: “{}” is missing")
VERDICTS = [
    # to the letter
    (TRAIN, Verdict.VERBATIM, YES),
    (f"«{TRAIN}.»", Verdict.VERBATIM, YES),
    (f"<<{TRAIN}>>", Verdict.VERBATIM, YES),
    (f"  “{TRAIN}” ha scritto ieri", Verdict.VERBATIM, YES),
    (f"AgenPress: {TRAIN}", Verdict.VERBATIM, YES),
    (TRAIN.replace(" ", "\n"), Verdict.VERBATIM, YES),
    (TRAIN.replace("a bordo", "a\u00a0bor\u00addo\u200b"), Verdict.VERBATIM, YES),
    (CONTAINERS.replace("già", "gia\u0300"), Verdict.VERBATIM, YES),
    ("un treno blindato […] sarebbe partito da Pyongyang", Verdict.VERBATIM, YES),
    ("un treno blindato con a bordo Kim ... per la Russia attraverso", Verdict.VERBATIM, YES),
    ("per discutere l'acquisizione di munizioni", Verdict.VERBATIM, YES),
    ("Putin ha elogiato la Corea del Nord per aver “sostenuto fermamente” la guerra di Mosca",
     Verdict.VERBATIM, YES),
    ("“Il programma è molto ricco”, dice lui, “una notevole quantità di tempo sarà dedicata”",
     Verdict.PUNCTUATION, ALMOST),
    ("Il programma è molto ricco. Una notevole quantità di tempo sarà dedicata ai contatti",
     Verdict.VERBATIM, YES),
    ("un incontro previsto nella città portuale russa di Vladivostok già martedì.",
     Verdict.VERBATIM, YES),
    ("Il loro primo vertice si è svolto a Vladivostok nell’aprile 2019.", Verdict.VERBATIM, YES),
    # the same words
    (TRAIN.upper(), Verdict.PUNCTUATION, ALMOST),
    (TRAIN.replace("un treno", "Un treno"), Verdict.PUNCTUATION, ALMOST),
    (CONTAINERS.replace("7.000", "7000"), Verdict.PUNCTUATION, ALMOST),
    (CONTAINERS.replace("7.000 container", "7 000 container,"), Verdict.PUNCTUATION, ALMOST),
    ("E' chiaro che questa visita di Kim Jong-un in Russia", Verdict.PUNCTUATION, ALMOST),
    (f"{KIRBY}?", Verdict.PUNCTUATION, ALMOST),
    # somebody else's
    (f"«{TRAIN}» (Globalist)", Verdict.ELSEWHERE,
     ("Sta scritto, ma non in Globalist.it", "It is written, but not in Globalist.it")),
    # altered
    (TRAIN.replace("Pyongyang", "Seul"), Verdict.ALTERED, ONE),
    (TRAIN.replace("Pyongyang", "Seul").replace("Kim", "Putin"), Verdict.ALTERED, TWO),
    (CONTAINERS.replace("7.000", "17.000"), Verdict.ALTERED, ONE),
    (TRAIN[:-2], Verdict.ALTERED, ONE),
    (KIRBY.removeprefix("Non "), Verdict.ALTERED, NO_NOT),
    ("che tuttavia hanno raggiunto la prima linea in Ucraina", Verdict.ALTERED, NO_NOT),
    ("Putin ha accusato la Corea del Nord per aver “sostenuto fermamente la guerra” di Mosca",
     Verdict.ALTERED, ONE),  # beside the quotation marks
    ("Queste informazioni sono state confermate dalla Casa Bianca", Verdict.ALTERED,
     ("No: manca «non»", "No: “non” is missing")),
    (VISIT.replace("segna", "non segna"), Verdict.ALTERED,
     ("No: «non» è di troppo", "No: “non” is not in the article")),
    ("Kim e Putin stanno cercando una maggiore cooperazione militare ed economica",
     Verdict.ALTERED, ("No: mancano dieci parole", "No: ten words are missing")),
    ("lanciare un fronte unito contro la Corea del Sud", Verdict.ALTERED,
     ("No: quattro parole diverse", "No: four words are different")),  # that another sentence has
    ("la Corea del Sud pagherà un prezzo per fornire alla Russia armi da utilizzare in Ucraina",
     Verdict.ALTERED, ONE),
    ("Il dittatore nordcoreano Kim Jong-il dovrebbe recarsi", Verdict.ALTERED, ONE),
    # stitched
    (f"{VISIT}. Funzionari statunitensi hanno anche affermato", Verdict.STITCHED, STITCHED),
    (f"{VISIT} sarà dedicata ai contatti informali", Verdict.STITCHED, STITCHED),
    (f"{VISIT} e sarà dedicata ai contatti informali", Verdict.STITCHED, STITCHED),
    ("la Corea del Nord ha lanciato palloncini che trasportavano rifiuti verso la Corea del Sud e "
     "Putin si sta preparando a visitare la Corea del Nord", Verdict.STITCHED, STITCHED),
    (f"{VISIT} […] sarà dedicata ai contatti informali", Verdict.STITCHED, STITCHED),
    ("convincere Pyongyang a vendere munizioni di artiglieria. Esortiamo la Corea del Nord a "
     "cessare i negoziati", Verdict.STITCHED, STITCHED),  # of two people
    # not there
    ("La Juventus ha vinto lo scudetto.", Verdict.NOT_FOUND, NOWHERE),
    ("Il dittatore coreano andrà in treno a Vladivostok per vedere il presidente russo",
     Verdict.NOT_FOUND, NOWHERE),
    (f"«{TRAIN}» e poi «tutti i soldati sono tornati a casa»", Verdict.NOT_FOUND, NOWHERE),
    ("An armoured train with Kim on board has left for Russia", Verdict.NOT_FOUND, NOWHERE),
    ("e non si è", Verdict.NOT_FOUND, NOWHERE),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "verdict", "lines"), VERDICTS)
def test_the_verdict_comes_first(
    sentence: str, verdict: Verdict, lines: tuple[str, str], generation: Generation
) -> None:
    result = verify(sentence, generation)
    assert result.verdict is verdict
    missing = result.differences[0].written if result.differences else ""
    for language, line in zip(("it", "en"), lines, strict=True):
        assert verdict_line(result, texts(language)) == line.format(missing)
    assert all(is_verbatim(quote, generation) for quote in result.quotes)
    assert bool(result.quotes) is (verdict is not Verdict.NOT_FOUND)


@pytest.mark.parametrize(
    ("said", "written", "expected"),
    [
        ("circa 7.000 container", "circa 17.000 container", [("7.000", "17.000")]),
        ("circa 7 000 container", "circa 7000 container", []),
        ("l'intesa con Mosca", "l’accordo con Mosca", [("intesa", "accordo")]),
        ("treno da Seul", "treno blindato da Roma", [("", "blindato"), ("Seul", "Roma")]),
        ("«Sì», ha detto", "sì ha detto", []),
        ("cresce del 5%", "cresce del 5", [("%", "")]),
        ("Kim Jong-il va", "Kim Jong-un va", [("Jong-il", "Jong-un")]),
        ("il nord-ovest", "il sud-ovest", [("nord-ovest", "sud-ovest")]),
        ("a-b-c", "x-b-y", [("a-b", "x-b"), ("c", "y")]),
    ],
)  # fmt: skip
def test_differences_are_whole_words_and_numbers(
    said: str, written: str, expected: list[tuple[str, str]]
) -> None:
    result = list(differences(said, written))
    assert [(difference.said, difference.written) for difference in result] == expected
    assert all(said[d.start : d.end] == d.said for d in result)


def test_the_sentence_that_it_is_cut_from_is_shown(generation: Generation) -> None:
    result = verify(TRAIN, generation)
    assert result.quotes[0].text == TRAIN and result.quotes[0].source == "AgenPress"
    assert result.sentence and result.sentence.text.startswith("Secondo i media sudcoreani, un")
    assert verify(f"{VISIT} e la prima dalla pandemia di Covid-19.", generation).sentence is None


def test_stitched_pieces_have_their_own_sources(generation: Generation) -> None:
    claim = f"{VISIT} sarà dedicata ai contatti informali"
    pieces = verify(claim, generation).pieces
    assert [claim[p.start : p.end] for p in pieces] == [
        VISIT,
        "sarà dedicata ai contatti informali",
    ]
    assert [p.quotes[0].source for p in pieces] == ["AgenPress", "Globalist.it"]


def test_a_translation_cannot_be_verified(generation: Generation) -> None:
    foreign = [
        "An armoured train has left Pyongyang for Russia",
        "Le train blindé est parti de Pyongyang pour la Russie",
    ]
    assert [verify(sentence, generation).articles_in for sentence in foreign] == ["it", "it"]
    assert verify("La Juventus ha vinto lo scudetto", generation).articles_in == ""


def test_a_paraphrase_is_shown_beside_what_is_written(generation: Generation) -> None:
    claim = "Il dittatore coreano andrà in treno a Vladivostok per vedere il presidente russo"
    nearest = verify(claim, generation).nearest
    assert nearest and nearest.text.startswith("Il dittatore nordcoreano Kim Jong-un")
    assert is_verbatim(nearest, generation)


@pytest.mark.parametrize(
    ("claim", "problem"),
    [("", "empty"), ("( [", "empty"), ("Pyongyang", "too_short"), ("«7.000»", "too_short"),
     ("… sono …", "too_short"), ("non è", "too_short"), ("Kim " * MAX_CLAIM, "too_long")],
)  # fmt: skip
def test_what_is_no_sentence_is_not_verified(
    claim: str, problem: str, generation: Generation
) -> None:
    with pytest.raises(ClaimError) as raised:
        verify(claim, generation)
    assert raised.value.problem == problem


def test_many_omissions_take_no_time(generation: Generation) -> None:
    assert verify("a … e " * (MAX_CLAIM // 6), generation).verdict is Verdict.NOT_FOUND


def test_all_articles_are_searched_even_for_words_that_all_have(
    embedder: Embedder, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(60):
        text = f"Quello che è stato detto non è {'ancora' if number == 57 else 'mai'} tutto."
        (corpus / f"{number}.txt").write_text(f"{text} Numero {number} di una lunga serie.")
    sync(Locations(corpus, tmp_path / "data"), embedder)
    opened = Generation(generations_dir(tmp_path / "data") / str(current_name(tmp_path / "data")))
    try:
        assert [q.article for q in verify("non è ancora tutto", opened).quotes] == ["57.txt"]
        whole, part = "quello che è stato detto non è mai tutto", "che è stato detto non è mai"
        for claim, groups in ((whole, [10]), (part, [1, 9])):  # a part is shown in its sentence
            parts = verification_parts(verify(claim, opened), texts("it"))
            assert [len(p.quotes) for p in parts if isinstance(p, Quoted)] == groups
    finally:
        opened.close()


SPELT = (
    "La \ufb01nanza di Loreto sequestra l’of\ufb01cina Berti – per 1.200 euro.\n\n"
    "La citta\u0300 di Camerino e\u0300 gia\u0300\u00a0pronta.\n\nL’area cresce di 10³ metri.\n"
)


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("La finanza di Loreto sequestra l'officina Berti - per 1.200 euro", Verdict.VERBATIM),
        ("La città di Camerino è già pronta", Verdict.VERBATIM),
        ("L'area cresce di 103 metri", Verdict.ALTERED),  # no figure arises
    ],
)
def test_how_letters_are_spelt_does_not_count(
    sentence: str, verdict: Verdict, embedder: Embedder, tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.txt").write_text(SPELT, encoding="utf-8")
    sync(Locations(tmp_path / "corpus", tmp_path / "data"), embedder)
    opened = Generation(generations_dir(tmp_path / "data") / str(current_name(tmp_path / "data")))
    result = verify(sentence, opened)
    opened.close()
    assert result.verdict is verdict
    assert result.pieces[0].quotes[0].text in SPELT


def test_the_command_and_the_conversation_tell_the_same(indexed_place: Workplace) -> None:
    wrong = TRAIN.replace("Pyongyang", "Seul")
    done = indexed_place.run("verify", f"«{wrong}»", **ITALIAN)
    assert done.returncode == 0 and "No: una parola diversa" in done.stdout
    assert "«Seul»: sta scritto «Pyongyang»" in done.stdout and "AgenPress" in done.stdout
    (told,) = indexed_place.json("verify", TRAIN, "--json")
    assert told["verdict"] == "verbatim" and told["quotes"][0]["text"] == TRAIN
    assert told["pieces"][0]["quotes"] == told["quotes"] and told["differences"] == []
    text = indexed_place.run("show", told["quotes"][0]["article"]).stdout
    assert text[told["quotes"][0]["start"] : told["quotes"][0]["end"]] == TRAIN
    typed = ["/verifica", f"/verifica «{wrong}»", f"/verify {TRAIN}", "/verifica (", "/verifica 12"]
    chat = indexed_place.run("chat", stdin="\n".join(typed), **ITALIAN).stdout
    assert "Scrivi la frase dopo il comando" in chat and "«Seul»: sta scritto «Pyongyang»" in chat
    assert "Sì, parola per parola" in chat and chat.count("Scrivi la frase") == 2
    assert "scrivi una frase, anche breve" in chat


def test_no_model_is_loaded(data_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from index.generations.current import CurrentIndex\n"
        "from retrieval.verifying.verification import verify_in\n"
        f"index = CurrentIndex(Path({str(data_dir)!r}))\n"
        f"print(*(verify_in(index, c).verdict for c in ({TRAIN!r}, 'questo non si trova')))\n"
        "print(sorted({'torch', 'onnxruntime', 'sentence_transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["verbatim not_found", "[]"]


def test_without_an_index_the_way_out_is_told(empty_place: Workplace) -> None:
    done = empty_place.run("verify", TRAIN)
    assert done.returncode == 2 and "run virgolette index" in done.stderr

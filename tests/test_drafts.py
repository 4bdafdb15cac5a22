"""A draft checked: what is quoted in it, what is not, and whether the articles have it."""

from __future__ import annotations

import json
from time import process_time

import pytest

from benchmarks.drafts import GOLD, figures, judged
from bot.drafts.report import summary
from bot.locales import texts
from index.generations.generation import Generation
from index.text.sentences import sentences
from retrieval.verifying.drafts.attribution import is_full_name
from retrieval.verifying.drafts.draft import quotations
from retrieval.verifying.drafts.reading import Draft, read_draft
from retrieval.verifying.drafts.review import MAX_CHECKED, MAX_QUOTED, review
from tests.conftest import ITALIAN, Workplace
from tests.office import docx, paragraph
from tests.pdf import lines, pdf
from tests.test_pdfs import locked

FOUND = [
    # every kind of marks
    ("Ha detto: «Non firmo».", ["Non firmo"]),
    ("Ha detto: “Non firmo”.", ["Non firmo"]),
    ("Hat gesagt: „Non firmo“, „sì”.", ["Non firmo", "sì"]),
    ('Ha detto: "Non firmo", "mai".', ["Non firmo", "mai"]),
    ("Ha detto: ‘Non firmo’, 'mai'.", ["Non firmo", "mai"]),
    ("Ha detto: »Non firmo«, ›mai‹.", ["Non firmo", "mai"]),
    ("Ha detto: ‚Non firmo‘ e ‹mai›.", ["Non firmo", "mai"]),
    ("Ha detto: “Non firmo“ e poi ”mai”.", ["Non firmo", "mai"]),
    ("« Non firmo », ha detto.", ["Non firmo"]),
    ("<<Non firmo>>, ha detto, ''mai''.", ["Non firmo", "mai"]),
    # one within another
    ("Scrive: «Kim ha detto “no” e ‘poi’ basta».", ["Kim ha detto “no” e ‘poi’ basta"]),
    ("Scrive: «Kim ha detto «no» e basta», poi «sì».", ["Kim ha detto «no» e basta", "sì"]),
    ('Scrive: "Kim ha detto \'no\' e basta".', ["Kim ha detto 'no' e basta"]),
    ("Scrive: “Kim ha detto "  "\"no\" e basta”.", ['Kim ha detto "no" e basta']),
    # apostrophes, inches, minutes
    ("L'aula dell’'89 e un po' d'acqua, l’altro po’.", []),
    ("Negli anni '60 e '70 l'Italia.", []),
    ("È alto 5'10\", lo schermo è da 98\", a 43°07' N.", []),
    ('Uno schermo da 98" accanto a un "meme".', ["meme"]),
    ('Ne ha spediti "circa 7.000".', ["circa 7.000"]),
    ("Disse 'un po' di tutto' e uscì.", ["un po' di tutto"]),
    ("He spoke of ‘the workers’ strike’ again.", ["the workers’ strike"]),
    ("Per 'sta volta la citta' e' salva, e 'sto giro l'ha gia' pagato.", []),
    ("It's the players' union, isn't it?", []),
    ("Solo rock 'n' roll e fish ’n’ chips.", []),
    # paragraphs
    ("«Primo capoverso.\n\n«Secondo capoverso.\n\n«Terzo», ha detto.",
     ["Primo capoverso. Secondo capoverso. Terzo"]),
    ("“First part.\n\n“Second part,” he said.", ["First part. Second part,"]),
    ("«Primo capoverso.\n\nSecondo capoverso», ha detto.", ["Primo capoverso. Secondo capoverso"]),
    ('Ha detto: "Primo.\n\nSecondo.\n\nTerzo", e "basta".', ["Primo. Secondo. Terzo", "basta"]),
    ('Ha detto "non firmo ", e poi: "mai ".', ["non firmo", "mai"]),
    ('Ha detto “Non firmo", e poi „mai".', ["Non firmo", "mai"]),
    ("Ha detto: «una frase che va a\ncapo», e basta.", ["una frase che va a capo"]),
    # what nothing closes
    ("Ha detto: «Non firmo, e basta.\n\nIl giorno dopo «firmo».", ["Non firmo, e basta.", "firmo"]),
    ("Ha detto: «Non firmo. Poi: «Firmo», e basta.", ["Non firmo. Poi:", "Firmo"]),
    ("Uno «due «tre «quattro» cinque», sei.", ["due", "tre «quattro» cinque"]),
    ('Ha detto: "Non firmo.\n\nPoi: "Firmo".', ["Non firmo.", "Firmo"]),
    ("Un segno» che chiude e basta.", []),
    # blocks
    ("Ha scritto:\n\n> Non firmo.\n> Mai.\n\nE basta.", ["Non firmo. Mai."]),
    ("> Non firmo\n> — Mario Rossi\n\nE basta.", ["Non firmo"]),
    # dialogue
    ("– Non firmo –, ha detto Rossi.", ["Non firmo"]),
    ("— Non firmo — disse Rossi. — Nemmeno domani.", ["Non firmo", "Nemmeno domani"]),
    ("– Non firmo – ha risposto.\n– E allora?\n– Niente.", ["Non firmo", "E allora?", "Niente"]),
    ("Rossi ha risposto: – Non firmo –, e se n’è andato.", ["Non firmo"]),
    ("— Non firmo —disse— e non firmerò — aggiunse — mai.", ["Non firmo", "e non firmerò", "mai"]),
    ("- Non firmo -, ha detto Rossi.\n- E allora? - chiede Bianchi.", ["Non firmo", "E allora?"]),
    ("– Lui non «firma» niente, – fa Rossi.\n\n– E tu?\n\n– Io sì.",
     ["Lui non «firma» niente", "E tu?", "Io sì"]),
    ("– Scrive che «il sindaco non firma», – fa Rossi.\n\n– E tu?",
     ["il sindaco non firma", "E tu?"]),
    ("ROMA – Il sindaco – che di solito tace – ieri ha parlato.", []),
    ("– pane\n– latte\n– uova", []),
    ("Tre punti:\n– il primo, detto da Rossi\n– il secondo", []),
    ("Nel 2019–2020 e da Roma – forse – a Milano.", []),
]  # fmt: skip


@pytest.mark.parametrize(("draft", "expected"), FOUND)
def test_what_is_quoted_is_found(draft: str, expected: list[str]) -> None:
    assert [" ".join(quoted.words(draft).split()) for quoted in quotations(draft)] == expected


DRAFT = (
    "Il viaggio di Putin\n\n"
    "«Non siamo preoccupati», ha detto John Kirby, «per il viaggio». Secondo AgenPress si tratta "
    "di «un viaggio all’estero raro per Putin». Il ministro vuole «l’intento di rilanciare la "
    "cooperazione militare bilaterale».\n\n"
    "Vladimir Putin ha detto: «Ciò che ci preoccupa è l’approfondimento delle relazioni». "
    "Kim ha risposto: «Domani firmiamo tutto quanto», come nel film «Il dottor Stranamore».\n"
)
PAGE = "".join(f"<p>{text}</p>" for text in DRAFT.split("\n\n"))
LOCKED = locked(pdf(lines("«Non firmo», ha detto.")), "segreto")
EXPECTED = ["verbatim", "verbatim", "elsewhere", "altered", "speaker", "not_found", "not_judged"]


def test_each_quotation_of_a_draft_is_judged(generation: Generation) -> None:
    result = review(Draft(DRAFT), generation)
    assert [checked.verdict for checked in result.quotations] == EXPECTED
    assert [checked.position for checked in result.quotations] == [2, 2, 2, 2, 3, 3, 3]
    altered, speaker = result.quotations[3:5]
    (difference,) = altered.as_json()["differences"]
    assert DRAFT[difference["start"] : difference["end"]] == difference["said"] == "rilanciare"
    assert (speaker.said_by, speaker.speaker) == ("Vladimir Putin", "John Kirby")
    assert not result.sound and result.counts["verbatim"] == 2


def test_brackets_of_the_author_move_no_difference(generation: Generation) -> None:
    draft = "«[Il leader] Kim Jong-un ha intenzione di recarsi in Cina [sic] questo mese»"
    (checked,) = review(Draft(draft), generation).quotations
    (difference,) = checked.as_json()["differences"]
    assert draft[difference["start"] : difference["end"]] == difference["said"] == "Cina"


@pytest.mark.parametrize("part", ["«a ", "'a ", "“a ” ", "> a\n\nb\n\n", "– a ", '"a\n\n', "«\n\n"])
def test_no_draft_takes_long(part: str) -> None:
    before = process_time()
    quotations(part * (100_000 // len(part)))
    assert process_time() - before < 5


@pytest.mark.parametrize("text", ["Ciao." + '"' * 100_000 + "a", "." * 100_000 + "a"])
def test_no_run_of_marks_takes_long_to_cut(text: str) -> None:
    before = process_time()
    sentences(text)
    assert process_time() - before < 5


@pytest.mark.parametrize(
    ("draft", "verdict"),
    [
        ("“Il programma è molto ricco”, ha detto l’aiutante del Cremlino.", "verbatim"),
        ("Kirby: «Non siamo preoccupati per il viaggio [a Pyongyang]».", "verbatim"),
        ("Il portavoce John Kirby ha detto: «Non siamo *preoccupati* per il viaggio».", "verbatim"),
        ("La Casa Bianca ha detto: «Non siamo preoccupati per il viaggio».", "verbatim"),
        ("Secondo Yuri Ushakov, «Non siamo preoccupati per il viaggio».", "speaker"),
        ("Un portavoce della Corte Penale Internazionale ha detto: «Non siamo preoccupati».",
         "verbatim"),
        ("Secondo John Kirby, «Non siamo preoccupati per il viaggio».", "verbatim"),
        ("«Non siamo preoccupati per il viaggio» — Vladimir Putin", "speaker"),
        ("«Non siamo preoccupati per il viaggio» (Jake Sullivan).", "speaker"),
        ("«Il programma è molto ricco», ha detto Sergei Lavrov.", "speaker"),
        ("Kim ha detto: «Il programma è molto ricco».", "speaker"),
        ("John Kirby lo ha detto; altrove leggo: «Il programma è molto ricco».", "verbatim"),
        ("Sullivan ha detto: «Il programma è molto ricco».", "speaker"),
        ("«Il programma è molto ricco», ha detto Lloyd Austin al Congresso.", "speaker"),
        ("«Il programma è molto ricco», ha detto Luigi Di Maio.", "speaker"),
        ("«Non siamo preoccupati per il viaggio»; AgenPress scrive altro.", "verbatim"),
        ("Il prezzo sarà «altissimo».", "verbatim"),
        ("Il prezzo sarà «scontatissimo» per tutti.", "not_judged"),
        ("> Non siamo preoccupati\n> per il viaggio\n", "verbatim"),
        ("– Il programma è molto ricco –, ha detto Ushakov.", "verbatim"),
        ("– Il programma è molto vario –, ha detto Ushakov.", "altered"),
    ],
)  # fmt: skip
def test_a_quotation_is_judged_with_what_stands_beside_it(
    draft: str, verdict: str, generation: Generation
) -> None:
    assert [checked.verdict for checked in review(Draft(draft), generation).quotations] == [verdict]


@pytest.mark.parametrize(
    ("name", "text", "is_full"),
    [
        ("Sullivan", "Lo dice il consigliere, Jake Sullivan, ai giornalisti.", True),
        ("al-Sisi", "Lo dice il presidente Abdel Fattah al-Sisi.", True),
        ("Kim", "Il leader Kim Jong-un parte.", True),
        ("Reuters", "Lo si sa. Ieri Reuters ha scritto.", False),
        ("Cremlino", "L’aiutante del Cremlino Yuri Ushakov.", False),
    ],
)
def test_a_person_is_known_by_the_given_name(name: str, text: str, is_full: bool) -> None:
    assert is_full_name(name, [text], inside=True) is is_full


def test_many_quotations_are_checked_up_to_a_limit(generation: Generation) -> None:
    text = "Ha detto: «Non siamo preoccupati per il viaggio».\n\n" * (MAX_CHECKED + 5)
    result = review(Draft(text + f"«{'parola ' * MAX_QUOTED}»"), generation)
    assert (len(result.quotations), result.unchecked, result.sound) == (MAX_CHECKED, 6, False)
    assert "Non controllati: 6" in summary(result, texts("it"))


def test_the_command_prints_the_wrong_ones_first(indexed_place: Workplace) -> None:
    file = indexed_place.path / "pezzo.md"
    file.write_text(f"---\ntitle: Prova\n---\n{DRAFT}", encoding="utf-8")
    done = indexed_place.run("verify", "--file", str(file), **ITALIAN)
    assert done.returncode == 1
    assert "7 virgolettati: 2 alla lettera, 1 di un’altra testata, 1 di qualcun" in done.stdout
    shown = [done.stdout.index(text) for text in ("✗ riga 6", "✗ riga 8", "✓ riga 6", "– riga 8")]
    assert shown == sorted(shown)
    assert "«rilanciare»: sta scritto «potenziare»" in done.stdout
    assert "Sta scritto, ma lo dice John Kirby, non Vladimir Putin" in done.stdout
    result = json.loads(indexed_place.run("verify", "--file", str(file), "--json").stdout)
    assert [one["verdict"] for one in result["quotations"]] == EXPECTED
    for one in result["quotations"]:
        assert DRAFT[one["start"] : one["end"]] == one["text"]
    asked = indexed_place.run("chat", stdin=f"/verifica {file}", **ITALIAN).stdout
    assert "7 virgolettati: 2 alla lettera" in asked


@pytest.mark.parametrize(
    ("name", "content", "position"),
    [
        ("pezzo.docx", docx("".join(map(paragraph, DRAFT.strip().split("\n\n")))), "capoverso 2"),
        ("pezzo.html", PAGE.encode(), "capoverso 2"),
        ("pezzo.txt", DRAFT.encode("cp1252"), "riga 3"),
    ],
)  # fmt: skip
def test_every_format_of_the_articles_is_read(
    name: str, content: bytes, position: str, indexed_place: Workplace
) -> None:
    (indexed_place.path / name).write_bytes(content)
    done = indexed_place.run("verify", "--file", name, **ITALIAN)
    assert done.returncode == 1 and "7 virgolettati: 2 alla lettera" in done.stdout
    assert position in done.stdout


def test_only_what_a_reader_of_markdown_sees_is_checked(
    generation: Generation,
) -> None:
    draft = (
        'Ha detto <a href="https://example.org" title="Un titolo che nessuno legge">qui</a>\n'
        '[il portavoce](https://example.org/a_(b) "Un altro titolo di prova") John Kirby [1]:\n'
        '<<Non siamo [preoccupati](https://example.org) per il viaggio>>. {{< video a="b" >}}'
    )
    read = read_draft(draft.encode(), "pezzo.md")
    (checked,) = review(read, generation).quotations
    assert (checked.verdict, checked.position) == ("verbatim", 3)
    assert checked.start == draft.index("Non siamo") and len(read.text) == len(draft)


def test_what_the_tags_of_a_page_quote_is_found() -> None:
    page = (
        "<p>Ha detto <q class=x>non <b>firmo</b></q> e <Q>mai</Q>.</p><blockquote cite=x>"
        "<p>Il primo</p><p><b>Il</b> secondo</p></blockquote><p>Poi:</p>"
        "<blockquote>Il terzo<br>continua</blockquote><p>Fine.</p>"
    )
    text = read_draft(page.encode(), "pezzo.html").text
    found = [" ".join(quoted.words(text).split()) for quoted in quotations(text)]
    assert found == ["non firmo", "mai", "Il primo", "Il secondo", "Il terzo continua"]


def test_a_draft_of_which_all_is_right_ends_with_0(indexed_place: Workplace) -> None:
    right = "Kirby ha detto: «Non siamo preoccupati per il viaggio»."
    done = indexed_place.run("verify", "--file", "-", stdin=right)
    assert done.returncode == 0 and "1 quotation: 1 to the letter" in done.stdout
    done = indexed_place.run("verify", "--file", "-", stdin="Nessuno ha detto niente.")
    assert done.returncode == 0 and "There are no quotations." in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("pezzo.txt", b"", "pezzo.txt is not checked: it holds no text"),
        ("pezzo.txt", b"x" * 20_000_001, "pezzo.txt is larger than 20 MB"),
        ("pezzo.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, "pezzo.txt is not checked: "),
        ("pezzo.docx", b"PK\x03\x04" + bytes(200), "pezzo.docx is not checked: "),
        ("pezzo.pdf", LOCKED, "pezzo.pdf is not checked: it is locked"),
        ("pezzo.xls", b"1", "pezzo.xls is not checked: .xls is not read"),
        ("pezzo.txt", "«a» ".encode() * 200_000, "the draft has 800000 characters: check 400000"),
        ("altro.txt", b"", "there is no file pezzo.txt"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_told(
    name: str, content: bytes, complaint: str, indexed_place: Workplace
) -> None:
    (indexed_place.path / name).write_bytes(content)
    done = indexed_place.run("verify", "--file", name.replace("altro", "pezzo"))
    assert done.returncode == 2 and complaint in done.stderr
    assert indexed_place.run("verify").returncode == 2


def test_the_gold_drafts_are_checked_as_marked(generation: Generation) -> None:
    names = sorted(file.stem for file in GOLD.glob("*.txt"))
    precision, recall, verdicts = figures(list(judged(names, generation)))
    assert min(precision, recall) >= 0.95 and verdicts >= 0.9

"""What an article was before, and what has changed, word by word."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.corrections.changes import Kind, changes, text_differences
from index.articles.versions.history import History
from tests.conftest import ITALIAN, TRAIN, Workplace
from tests.test_cli import fails

PLAIN = {Kind.SAME: "{}", Kind.REMOVED: "[-{}-]", Kind.ADDED: "{{+{}+}}"}
LONG = "Prima di tutto il sindaco ha aperto la seduta e ha salutato la giunta e il pubblico. "


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Costa 12 milioni.", "Costa 15 milioni.", ["Costa [-12-] {+15+} milioni."]),
        ("Costa milioni.", "Costa ben 12 milioni.", ["Costa {+ben 12+} milioni."]),
        ("Non costa poco.", "Costa poco.", ["[-Non-] costa poco."]),
        ("Costa poco.", "Non costa poco.", ["{+Non+} Costa poco."]),
        ("Costa «poco».", "Costa “poco”!", []),
        (
            f"{LONG}Costa 12 milioni. {LONG}Apre a marzo.",
            f"{LONG}Costa 15 milioni. {LONG}Apre a maggio.",
            [
                "… la seduta e ha salutato la giunta e il pubblico. Costa [-12-] {+15+} milioni. "
                "Prima di tutto il sindaco ha aperto la seduta e …",
                "… la seduta e ha salutato la giunta e il pubblico. Apre a [-marzo-] {+maggio+}.",
            ],
        ),
        ("Uno.\nDue.\nTre.", "Uno.\nTre.", ["[-Due-]."]),
    ],
)
def test_changes_are_told_with_the_words_around_them(
    before: str, after: str, shown: list[str]
) -> None:
    found = ["".join(PLAIN[p.kind].format(p.text) for p in c) for c in changes(before, after)]
    assert found == shown
    for difference in text_differences(before, after):
        assert before[difference.start : difference.end] == difference.said


def test_a_long_text_is_compared_in_seconds() -> None:
    lines = [f"Riga numero {number} di un testo molto lungo." for number in range(40_000)]
    after = [
        line.replace("molto", "assai") if n == 20_000 else line for n, line in enumerate(lines)
    ]
    (difference,) = text_differences("\n".join(lines), "\n".join(after))
    assert (difference.said, difference.written) == ("molto", "assai")
    (block,) = text_differences("parola " * 100_000, "lettera " * 100_000)
    assert block.start == 0


def test_the_command_tells_versions_and_differences(train_place: Workplace) -> None:
    place = train_place
    none = place.run("history", "a.txt")
    assert "No earlier versions" in none.stdout and none.returncode == 0
    assert place.json("history", "a.txt", "--json")[0]["versions"] == []
    place.write("a.txt", TRAIN.replace("blindato", "corazzato"))
    place.run("index")
    done = place.run("history", "1", **ITALIAN)
    assert "Corretto il " in done.stdout and "Fino al " in done.stdout
    assert "~ Il treno [-blindato-] {+corazzato+} è partito da Pyongyang." in done.stdout
    (told,) = place.json("history", "treno", "--json")
    (version,) = told["versions"]
    assert version["differences"] == [
        {"said": "blindato", "written": "corazzato", "start": 9, "end": 17}
    ]
    assert Path(place.path / version["file"]).read_text() == TRAIN and told["withdrawn"] is None
    place.write("a.txt", TRAIN.replace("blindato", "corazzato").replace("martedì.", "martedì!"))
    place.run("index")
    assert "Only punctuation" in place.run("history", "a.txt").stdout
    History(place.data).set_withdrawn("a.txt", 1_800_000_000)
    assert (
        "Ritirato dal suo sito il 15 gennaio 2027, " in place.run("history", "1", **ITALIAN).stdout
    )
    assert place.json("history", "1", "--json")[0]["withdrawn"] == "2027-01-15T08:00:00Z"
    fails(place.run("history", "manca"), 1, "there is no article “manca”")
    typed = "/articolo 1\n"
    assert "Corretto il " in place.run("chat", stdin=typed, **ITALIAN).stdout
    place.run("remove", "a.txt")
    assert "no longer among the articles" in place.run("history", "a.txt").stdout
    shutil.rmtree(place.data / "history")
    fails(place.run("history", "a.txt"), 1, "there is no article")

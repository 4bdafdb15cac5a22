"""The day of the event that a sentence tells of, counted from the day of its article."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from index.text.mentioned_days import mentioned_days
from retrieval.answering.timeline.event_day import EVENT, event_day, yearless_day
from retrieval.evaluation.datasets import read_articles
from tests.conftest import ROOT
from training.event_days import marked_sentences, share_right

THURSDAY = datetime.date(2024, 3, 14)
NEWS = Path(ROOT).parent / "shared" / "data" / "news"


@pytest.mark.parametrize(
    ("sentence", "day"),
    [
        ("Lunedì la giunta ha approvato il bilancio.", "2024-03-11"),
        ("Il bilancio sarà approvato lunedì.", "2024-03-18"),
        ("Giovedì la giunta ha approvato il bilancio.", "2024-03-14"),
        ("Giovedì scorso la giunta ha approvato il bilancio.", "2024-03-07"),
        ("Il ponte è crollato l’altro ieri.", "2024-03-12"),
        ("Il ponte è crollato due giorni fa.", "2024-03-12"),
        ("Il ponte è crollato la settimana scorsa.", "2024-W10"),
        ("Il ponte è crollato tre mesi fa.", "2023-12"),
        ("Il ponte è crollato lo scorso settembre.", "2023-09"),
        ("Il ponte è crollato nel settembre dello scorso anno.", "2023-09"),
        ("Il ponte è crollato nell'aprile 2019.", "2019-04"),
        ("Il ponte è crollato il 29 febbraio.", "2024-02-29"),
        ("Il ponte è crollato il 20 giugno.", "2023-06-20"),
        ("Il ponte riaprirà il 20 giugno.", "2024-06-20"),
        ("Il ponte riaprirà l'anno prossimo.", "2025"),
        ("Il ponte riaprirà fra tre settimane.", "2024-W14"),
        ("L’undici gennaio il ponte è crollato.", "2024-01-11"),
        ("Il ponte riaprirà il primo aprile.", "2024-04-01"),
        ("Il ponte è crollato a marzo.", "2024-03"),
        ("Il ponte riaprirà nel giugno del prossimo anno.", "2025-06"),
        ("Questa settimana il ponte è crollato.", "2024-W11"),
        ("I tifosi hanno atteso la squadra martedì 12.", "2024-03-12"),
        ("Il 12 ottobre 1492 Colombo sbarcò a Guanahani.", "1492-10-12"),
        ("The bridge collapsed on March 3, 2021.", "2021-03-03"),
        ("The bridge will reopen next week.", "2024-W12"),
        # What is no day of the event
        ("Il ponte è chiuso dal 2000.", ""),
        ("Il ponte resterà chiuso fino al 13 settembre.", ""),
        ("Dopo gli attentati dell'11 settembre 2001 la legge è cambiata.", ""),
        ("La sindaca, che era stata eletta nel 2019, si è dimessa.", ""),
        ("I marinai sequestrati a gennaio sono stati liberati.", ""),
        ("Il romanzo, pubblicato nel 2019, ha vinto il premio.", ""),
        ("La sindaca si è dimessa.", ""),
        ("Il 31 febbraio non esiste.", ""),
        ("Il mosaico risale a 99 anni fa, o a 999999 anni fa.", "1925"),
    ],
)
def test_the_day_of_an_event_is_told_from_the_day_of_the_article(sentence: str, day: str) -> None:
    found = event_day(sentence, THURSDAY)
    assert (found.iso if found else "") == day


def test_an_article_without_a_date_has_only_days_with_their_year() -> None:
    sentence = (
        "Martedì, anzi il mese scorso, e non il 3 maggio 2020 né il 4 giugno né l'anno scorso."
    )
    assert [one.day.iso for one in mentioned_days(sentence, None)] == ["2020-05-03"]


@pytest.mark.parametrize(
    ("sentence", "day"),
    [
        ("Il 12 giugno il ponte è crollato.", "--06-12"),
        ("Sabato 29 febbraio il ponte è crollato.", "--02-29"),
        ("Ieri il ponte è crollato.", ""),
        ("Lunedì il ponte è crollato.", ""),
        ("A giugno il ponte è crollato.", ""),
        ("Il ponte è crollato.", ""),
    ],
)
def test_a_day_without_its_year_is_one_in_an_article_without_a_date(
    sentence: str, day: str
) -> None:
    assert event_day(sentence, None) is None and yearless_day(sentence) == day


@pytest.mark.parametrize(
    ("text", "published", "days"),
    [
        ("Ieri, 3 anni fa, domani.", datetime.date.min, ["0001-01-02"]),
        ("Domani, fra 3 anni, ieri.", datetime.date.max, ["9999-12-30"]),
    ],
)
def test_no_day_is_beyond_the_calendar(
    text: str, published: datetime.date, days: list[str]
) -> None:
    assert [one.day.iso for one in mentioned_days(text, published)] == days


@pytest.mark.skipif(not NEWS.exists(), reason="the articles are not there")
def test_days_of_events_are_mostly_right() -> None:
    articles = read_articles(NEWS)
    assert share_right(marked_sentences("event_days", articles), EVENT) >= 0.9
    assert share_right(marked_sentences("event_days_held", articles), EVENT) >= 0.85

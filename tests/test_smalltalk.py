"""What is no question to the articles, and what is one although it looks otherwise."""

from __future__ import annotations

import pytest

from bot.smalltalk import Talk, small_talk_kind


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ciao", Talk.HELLO),
        ("Buon giorno!", Talk.HELLO),
        ("Ciao, come stai?", Talk.HELLO),
        ("hi there", Talk.HELLO),
        ("Good morning", Talk.HELLO),
        ("Grazie mille 🙏", Talk.THANKS),
        ("ok grazie, ciao", Talk.THANKS),
        ("Thank you very much!", Talk.THANKS),
        ("Di cosa parlano gli articoli?", Talk.SUBJECTS),
        ("Di che cosa parlano questi articoli?", Talk.SUBJECTS),
        ("Quali sono gli argomenti?", Talk.SUBJECTS),
        ("cosa posso chiederti?", Talk.SUBJECTS),
        ("What are the articles about?", Talk.SUBJECTS),
        ("what can I ask?", Talk.SUBJECTS),
        ("", None),
        ("?!", None),
        ("Di cosa parlano Kim e Putin?", None),
        ("Di cosa si parla al vertice?", None),
        ("Chi ringrazia Putin?", None),
        ("Buongiorno, dove si incontrano Putin e Kim?", None),
        ("grazie, e quando?", None),
        ("Che cosa sai di Kim?", None),
        ("Quali sono i temi del forum?", None),
        ("Che cosa ha detto il portavoce?", None),
        ("Good results for whom?", None),
        ("ciao " * 20, None),
    ],
)
def test_small_talk_is_told_from_questions(said: str, meant: Talk | None) -> None:
    assert small_talk_kind(said) is meant

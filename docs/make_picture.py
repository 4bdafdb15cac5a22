"""Draw ``docs/repl.svg``: the REPL's own output for three questions, by rich's SVG export."""

from pathlib import Path

from rich.console import Console

from bot.compose import composed
from bot.locales import texts, texts_for
from bot.settings import read_settings
from bot.terminal.render import print_answer
from retrieval.answer import Question

QUESTIONS = (
    "Dove va il treno blindato?",
    "Chi ha detto che la Corea del Nord pagherà un prezzo?",
    "Quanto dura il volo da Roma a Tokyo?",
)


def main() -> None:
    """Ask, and write the picture beside this file."""
    console = Console(record=True, width=96, force_terminal=True, color_system="truecolor")
    settings = read_settings()
    console.print(texts("it")("chat.welcome"), highlight=False)
    with composed(settings) as parts:
        for text in QUESTIONS:
            question = Question.parse(text)
            console.print(f"[green]›[/green] {text}", highlight=False)
            print_answer(console, parts.chain.invoke(question), texts_for("auto", question))
    console.save_svg(str(Path(__file__).with_name("repl.svg")), title="virgolette chat")


if __name__ == "__main__":
    main()

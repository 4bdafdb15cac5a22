"""What every surface shows of a checked draft: the counts, and each quotation with its position."""

from __future__ import annotations

from collections.abc import Iterator

from bot.captions import source_line
from bot.locales import Texts
from bot.verdicts import Quoted, verdict_line, verification_parts
from retrieval.answer import Quotation
from retrieval.verifying.claim import MAX_CLAIM
from retrieval.verifying.drafts.outcome import NOT_JUDGED, SPEAKER, VERDICTS, Checked, Review
from retrieval.verifying.drafts.reading import MAX_FILE
from retrieval.verifying.drafts.review import MAX_CHECKED, MAX_DRAFT, MAX_QUOTED
from retrieval.verifying.outcome import ClaimError

_FIRST = 60  # characters by which a quotation is recognised
_LIMITS = {"long_draft": MAX_DRAFT, "large_draft": MAX_FILE // 1_000_000}
_RIGHT, _WRONG, _OTHER = "✓", "✗", "–"


def problem(error: ClaimError, say: Texts) -> str:
    """Why something cannot be verified, in the words of a conversation."""
    if error.problem == "unreadable":
        return say("verify.problem_unreadable", reason=say.translated(str(error)))
    return say(f"verify.problem_{error.problem}", limit=_LIMITS.get(error.problem, MAX_CLAIM))


def summary(review: Review, say: Texts) -> str:
    """How many quotations there are, and how many of each verdict; or that there are none."""
    total = len(review.quotations)
    if not total and not review.unchecked:
        return say("verify.no_quotations")
    counts = [(name, review.counts[name]) for name in VERDICTS if review.counts[name]]
    parts = [_counted(name, count, say) for name, count in counts]
    head = _counted("quotations", total, say)
    line = f"{head}: {', '.join(parts)}" if parts else head
    if not review.unchecked:
        return line
    limits = {"most": MAX_CHECKED, "longest": MAX_QUOTED}
    return f"{line}\n{say('verify.unchecked', count=review.unchecked, **limits)}"


def worst_first(review: Review) -> list[Checked]:
    """Those that are wrong, those that are right and those that are not judged; each in order."""
    return sorted(review.quotations, key=lambda one: (not one.is_wrong, one.verdict == NOT_JUDGED))


def heading(checked: Checked, review: Review, say: Texts) -> str:
    """Whether a quotation is right, where it is, and its first words."""
    sign = _WRONG if checked.is_wrong else _OTHER if checked.verdict == NOT_JUDGED else _RIGHT
    unit = "verify.in_line" if review.by_line else "verify.in_paragraph"
    text = " ".join(checked.text.split())
    if len(text) > _FIRST:
        text = text[:_FIRST].rpartition(" ")[0] + "…"
    return f"{sign} {say(unit, number=checked.position)}  {say('verify.quoted', words=text)}"


def finding(checked: Checked, say: Texts) -> str:
    """What is wrong with a quotation, or in which article it is, or that it is not judged."""
    result = checked.verification
    if result is None:
        return say("verify.not_judged")
    if checked.verdict == SPEAKER:
        return say("verify.speaker", speaker=checked.speaker, said_by=checked.said_by)
    line = verdict_line(result, say)
    return line if checked.is_wrong else f"{line}: {source_line(result.quotes[0], say)}"


def details(checked: Checked, say: Texts) -> Iterator[str | Quoted]:
    """What stands below the finding of a wrong quotation: lines, and what the articles have."""
    if not checked.closed:
        yield say("verify.not_closed")
    if checked.verification and checked.is_wrong:
        yield from verification_parts(checked.verification, say)


def shown_quotation(checked: Checked) -> Quotation | None:
    """The quotation that leads to the article; None where there is none."""
    result = checked.verification
    if result is None:
        return None
    return result.quotes[0] if result.quotes else result.nearest


def _counted(name: str, count: int, say: Texts) -> str:
    return say(f"verify.one_{name}") if count == 1 else say(f"verify.many_{name}", count=count)

"""Whether a sentence needs the one before it to be understood."""

from __future__ import annotations

import re

_OPENING = r"^[\s«“\"‘'(–—-]*"
# "Egli ha detto", "Questo incontro", "They met": somebody or something told of before.
_POINTS_BACK = re.compile(
    _OPENING + r"(?:(?:ma|e|anche|inoltre|però|poi|so|but|and)\s+)?"
    r"(?:egli|ella|lui|lei|essi|esse|esso|essa|costui|costei|quest[oaei]|quell[oaei]|quei|quegli|ciò|tal[ei]"
    r"|l[oa] stess[oa]|gli stessi|le stesse|entrambi|entrambe|il primo|il secondo|la prima"
    r"|la seconda|quest’ultim[oa]|quest'ultim[oa]|he|she|it|they|this|these|those|both)\b",
    re.IGNORECASE,
)
# "Il leader ha detto": who he is was said before, unless a name follows.
_DESCRIBED = re.compile(
    _OPENING + r"(?:il|la|lo|i|gli|le|l[’']|the)\s*"
    r"(?:leader|president\w*|dittator\w*|premier|ministr\w*|cancellier\w*|sindac\w*|portavoce"
    r"|capo\w*|uom\w*|donn\w*|ragazz\w*|coppia|governator\w*|generale|segretari\w*|due"
    r"|man|woman|minister|mayor|governor|two)\b(?P<more>(?:\s+[\w’'-]+){0,4})",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:^|\s|[’'])[A-ZÀ-Ý]")


def refers_back(text: str) -> bool:
    """Whether the sentence begins with somebody or something that it does not name."""
    described = _DESCRIBED.match(text)
    if described and not _NAME.search(described["more"]):
        return True
    return _POINTS_BACK.match(text) is not None

"""Print the weights by which a draft's quotations are told from titles, terms and irony.

    python -m training.quoted

It learns from ``training/written/quoted.txt``, and prints how many are right in cross-validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from index.text.sentences import Span
from retrieval.verifying.drafts.draft import quotations
from retrieval.verifying.drafts.kinds import features

WRITTEN = Path(__file__).parent / "written" / "quoted.txt"
SPEECH = "speech"
INVERSE_RIDGE = 1.0  # scikit-learn's C
FOLDS = 10


def examples() -> Iterator[tuple[list[float], bool]]:
    """The features of each quotation, and whether it is somebody's words."""
    for line in WRITTEN.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, text = line.split("\t")
            yield features(quotations(text)[0], text, Span(0, len(text))), kind == SPEECH


def main() -> None:
    """Fit, and print weights and figures."""
    values, labels = map(np.array, zip(*examples(), strict=True))
    model = LogisticRegression(C=INVERSE_RIDGE, max_iter=1000)
    right = cross_val_predict(model, values, labels, cv=FOLDS) == labels
    print(f"{len(labels)} quotations, {right.mean():.3f} right in {FOLDS}-fold cross-validation")
    model.fit(values, labels)
    print("WEIGHTS =", tuple(round(float(w), 2) for w in (*model.intercept_, *model.coef_[0])))


if __name__ == "__main__":
    main()

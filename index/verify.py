"""Check a generation before it becomes the current one, in a process of its own.

Embedded Chroma can hang or take the process with it when its files are damaged; a
subprocess with a time limit turns both into an error.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from index.errors import StorageError, VirgoletteError
from index.generation import Generation

TIME_LIMIT = 300  # seconds


def verify(directory: Path) -> None:
    """Raise StorageError unless a process of its own finds the generation sound."""
    # -P: a folder named "index" where the user stands must not be taken for this package.
    command = [sys.executable, "-P", "-m", "index.verify", str(directory)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StorageError(f"the new index in {directory} cannot be read back in time") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise StorageError(f"the new index in {directory} is not sound: {reason}")


def faults(generation: Generation) -> list[str]:
    """What is wrong with an open generation: counts that differ, a passage that is not found."""
    if not generation.size:
        return []
    found = []
    if generation.vectors.count() != generation.size:
        found.append(f"{generation.vectors.count()} vectors for {generation.size} passages")
    for row in {0, generation.size // 2, generation.size - 1}:
        (passage,) = generation.store.passages([row])
        vector = np.mean(generation.sentence_vectors(passage), axis=0)
        if not generation.vectors.cosines(vector, [passage.id]):
            found.append(f"passage {passage.id} has no vector")
        if not generation.vectors.nearest(vector, 1):
            found.append("a search finds nothing")
    return found


def _main() -> None:
    try:
        generation = Generation(Path(sys.argv[1]))
        problems = faults(generation)
        generation.close()
    except VirgoletteError as error:
        sys.exit(str(error))
    sys.exit("; ".join(problems) or 0)


if __name__ == "__main__":
    _main()

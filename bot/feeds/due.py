"""When the next visit to a feed, or to the page of an article, is due.

Imports nothing that takes memory: watchers ask it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FEEDS_FILE = "feeds.sqlite"  # in DATA_DIR


def next_visit(data_dir: Path) -> float | None:
    """When the next feed or page is due, in seconds since the epoch; None if none is.

    Cheap, as it is asked every few seconds. What is wrong with the file, a visit says.
    """
    file = data_dir / FEEDS_FILE
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            query = (
                "SELECT min(due) FROM (SELECT due FROM feeds WHERE NOT ended "
                "UNION ALL SELECT due FROM revisits)"
            )
            ((due,),) = database.execute(query).fetchall()
    except sqlite3.Error:
        return None
    return None if due is None else float(due)

"""What the current index knows of the corpus's files, so that they need not be read again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from index.articles.add import KnownArticle
from index.errors import StorageError
from index.generations.layout import STORE
from index.generations.manifest import OUTPUTS, read_manifest
from index.generations.pointer import held_current
from index.generations.store import Store


def known_articles(data_dir: Path) -> dict[str, KnownArticle]:
    """The indexed articles by the SHA-256 of their files; none where there is no sound index."""
    try:
        with held_current(data_dir) as directory:
            return _articles_in(directory) if directory else {}
    except (StorageError, OSError):  # the files are read instead
        return {}


def _articles_in(directory: Path) -> dict[str, KnownArticle]:
    manifest = read_manifest(directory)
    if manifest.stamp.get("loaders") != OUTPUTS["loaders"]:
        return {}
    with closing(Store(directory / STORE)) as store:
        return {
            manifest.files.get(article.path, ""): KnownArticle(article.sha256, article.url)
            for article in store.articles(range(len(store.article_headers())))
        }

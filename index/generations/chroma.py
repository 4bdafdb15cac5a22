"""The vectors of a generation's passages, in a Chroma collection: embedded, or on a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import numpy as np

from index.errors import ServerError, StorageError
from index.generations.layout import VectorLocation
from index.models.encoder import Vectors

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.auth import UserIdentity
    from tenacity import Retrying

BATCH = 5000  # Chroma 1.5 takes at most 5461 rows at once
SEARCH_BREADTH = 200  # HNSW's ef: the candidates that a search keeps
SERVER_BATCH = 500  # a request of about 4 MB: vectors travel as numbers in JSON
AWAY = frozenset({502, 503, 504})  # statuses of a proxy while the server behind it is away
_DATABASE = "chroma.sqlite3"  # the file that Chroma writes even to read


def import_chroma() -> ModuleType:
    """Import Chroma, which takes about a second and reads the environment and ``.env``."""
    try:
        import chromadb.errors
    except ValueError as error:  # pydantic's, which would quote the values
        raise StorageError(
            "Chroma reads the environment and .env, too, and finds a wrong value there: rename "
            "settings of other programs in .env that have names like IS_PERSISTENT or CHROMA_…"
        ) from error
    return chromadb


def open_client(location: VectorLocation) -> Client:
    """A client of Chroma. Close it: an embedded one writes some of its files only then."""
    chromadb = import_chroma()
    common: dict[str, Any] = {"_env_file": None, "anonymized_telemetry": False}
    if location.server is None:
        settings = chromadb.config.Settings(
            chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
            is_persistent=True,
            persist_directory=str(location.directory),
            allow_reset=False,
            **common,
        )
        client = chromadb.PersistentClient(path=str(location.directory), settings=settings)
        return cast("Client", client)  # declared as its interface, which has no close()
    address = urlsplit(location.server.url)
    secure = address.scheme == "https"
    settings = chromadb.config.Settings(
        chroma_api_impl="chromadb.api.fastapi.FastAPI",
        chroma_server_host=address.hostname,
        chroma_server_http_port=address.port or (443 if secure else 8000),
        chroma_server_ssl_enabled=secure,
        chroma_server_ssl_verify=str(location.server.certificate or "") or None,
        chroma_server_headers=dict(location.server.headers),
        **common,
    )
    return _timed_client(settings, location.server.timeout)


def _timed_client(settings: Any, timeout: float) -> Client:
    """A client of a server, whose requests wait for ``timeout`` seconds at most.

    Chroma's own waits for ever, has no setting for it, and sends requests in its constructor.
    """
    from chromadb.api.client import Client

    class TimedClient(Client):
        def get_user_identity(self) -> UserIdentity:
            """The constructor's first request, with httpx's own error if it fails."""
            cast("Any", self._server)._session.timeout = timeout
            return self._server.get_user_identity()

        def _validate_tenant_database(self, tenant: str, database: str) -> None:
            """Would send requests without a timeout; the first use shows a missing database."""

    return TimedClient(settings=settings)


class PassageVectors:
    """The vectors of a generation's passages, to read."""

    def __init__(self, location: VectorLocation) -> None:
        self._location = location
        with ExitStack() as opened, _translating(location):
            if location.server is None and not _is_writable(location.directory):
                directory = opened.enter_context(_writable_view(location.directory))
                location = replace(location, directory=directory)
            client = opened.enter_context(closing(open_client(location)))
            self._collection = client.get_collection(location.collection, embedding_function=None)
            self._opened = opened.pop_all()

    def nearest(self, vector: Vectors, count: int) -> dict[str, float]:
        """The cosines of the nearest passages, by id, best first."""
        with _translating(self._location):
            result = self._collection.query(
                query_embeddings=vector[None, :], n_results=count, include=["distances"]
            )
        distances = (result["distances"] or [[]])[0]
        return {i: 1.0 - d for i, d in zip(result["ids"][0], distances, strict=True)}

    def cosines(self, vector: Vectors, ids: Sequence[str]) -> dict[str, float]:
        """The cosines of these passages with a unit vector, by id; missing ones are left out."""
        return {i: float(stored @ vector) for i, stored in self.stored(ids).items()}

    def stored(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of these passages, by id; missing ones are left out."""
        if not ids:  # Chroma refuses an empty list
            return {}
        with _translating(self._location):
            result = self._collection.get(ids=list(ids), include=["embeddings"])
        if not result["ids"]:
            return {}
        return dict(zip(result["ids"], np.asarray(result["embeddings"], np.float32), strict=True))

    def count(self) -> int:
        """The number of passages in the collection."""
        with _translating(self._location):
            return self._collection.count()

    def ids(self) -> set[str]:
        """The ids of all passages in the collection."""
        ids: set[str] = set()
        with _translating(self._location):
            for start in range(0, self._collection.count(), BATCH):
                ids.update(self._collection.get(limit=BATCH, offset=start, include=[])["ids"])
        return ids

    def close(self) -> None:
        """Close the files or the connection."""
        self._opened.close()


def _is_writable(directory: Path) -> bool:
    return all(os.access(path, os.W_OK) for path in (directory, directory / _DATABASE))


@contextmanager
def _writable_view(directory: Path) -> Iterator[Path]:
    """A temporary folder with a copy of Chroma's database and links to the vectors beside it."""
    try:
        folder = TemporaryDirectory(prefix="virgolette-", ignore_cleanup_errors=True)
    except OSError as error:
        raise StorageError(
            f"{directory} cannot be written, and no temporary folder can: make one of them "
            f"writable, or set TMPDIR ({error.strerror})"
        ) from error
    with folder as name:
        view = Path(name)
        shutil.copyfile(directory / _DATABASE, view / _DATABASE)  # without its permissions
        for path in directory.iterdir():
            if path.name != _DATABASE:
                (view / path.name).symlink_to(path.absolute())
        yield view


def write_vectors(
    location: VectorLocation,
    removed: Sequence[str],
    added: Iterable[tuple[Sequence[str], Vectors]],
    *,
    create: bool,
) -> None:
    """Bring a collection up to date, or create it, and close it.

    ``added`` comes in batches of ids and unit vectors, shape (ids, dimensions). While a server is
    away its requests are repeated: adding a vector twice changes nothing.
    """
    with _translating(location):
        patiently = _retrying(location)
        with closing(patiently(open_client, location)) as client:
            if create:
                # "get or": the response to an earlier attempt may have been lost.
                collection = patiently(
                    client.get_or_create_collection,
                    location.collection,
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine", "ef_search": SEARCH_BREADTH}},
                )
            else:
                collection = client.get_collection(location.collection, embedding_function=None)
            for start in range(0, len(removed), BATCH):
                patiently(collection.delete, ids=list(removed[start : start + BATCH]))
            size = SERVER_BATCH if location.server else BATCH
            for ids, vectors in added:
                for start in range(0, len(ids), size):
                    part = slice(start, start + size)
                    patiently(collection.add, ids=list(ids[part]), embeddings=vectors[part])


def remove_vectors(location: VectorLocation) -> None:
    """Remove a generation's collection from the server. A missing one is no error."""
    chromadb = import_chroma()
    with (
        _translating(location),
        closing(open_client(location)) as client,
        suppress(chromadb.errors.NotFoundError),
    ):
        client.delete_collection(location.collection)


def _retrying(location: VectorLocation) -> Retrying:
    """What calls functions again while the server cannot be reached."""
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

    return Retrying(
        retry=retry_if_exception(_is_unreachable),
        stop=stop_after_delay(location.server.patience if location.server else 0),
        wait=wait_exponential(multiplier=0.2, max=5),
        reraise=True,
    )


def _is_unreachable(error: BaseException) -> bool:
    """Whether the server cannot be reached, directly or through a proxy."""
    import httpx

    return isinstance(error, httpx.TransportError) or _status(error) in AWAY


def _status(error: BaseException) -> int | None:
    """The HTTP status behind an error, which Chroma's client reports as a text only."""
    import httpx

    cause = error.__context__
    return cause.response.status_code if isinstance(cause, httpx.HTTPStatusError) else None


@contextmanager
def _translating(location: VectorLocation) -> Iterator[None]:
    """Turn Chroma's own errors, and a server's silence, into a StorageError."""
    chromadb = import_chroma()
    import httpx

    try:
        yield
    except chromadb.errors.ChromaError as error:
        raise StorageError(f"Chroma: {error}; run virgolette index --rebuild") from error
    except Exception as error:
        # Chroma raises a bare Exception for a response that it cannot read.
        of_server = isinstance(error, (httpx.HTTPError, ValueError)) or type(error) is Exception
        if location.server is None or not of_server:
            raise
        status = _status(error)
        raise ServerError(
            f"the Chroma server {location.server.url} cannot be used "
            f"({f'HTTP {status}' if status else error}): "
            "see whether it runs, and VIRGOLETTE_CHROMA_URL"
        ) from error

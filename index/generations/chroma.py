"""The vectors of a generation's passages, in a Chroma collection: embedded, or on a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import numpy as np

from index.errors import ServerError, StorageError
from index.generations.layout import VectorLocation
from index.models.encoder import Vectors

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection
    from chromadb.auth import UserIdentity

BATCH = 5000  # Chroma 1.5 takes at most 5461 rows at once
SEARCH_BREADTH = 200  # HNSW ef: how many candidates a search keeps in view
SERVER_BATCH = 500  # a request of about 4 MB: vectors travel as numbers in JSON
AWAY = frozenset({502, 503, 504})  # what a proxy answers while the server behind it is away


def import_chroma() -> ModuleType:
    """Import Chroma, which takes about a second and reads the environment and ``.env``."""
    try:
        import chromadb.errors
    except ValueError as error:  # pydantic's, which would quote the values
        raise StorageError(
            "Chroma reads the environment and .env too and finds a wrong value there: rename "
            "settings of other programs in .env that have names like IS_PERSISTENT or CHROMA_…"
        ) from error
    return chromadb


def open_client(place: VectorLocation) -> Client:
    """A client of Chroma. Close it: an embedded one has all its files written only then."""
    chromadb = import_chroma()
    common: dict[str, Any] = {"_env_file": None, "anonymized_telemetry": False}
    if place.server is None:
        settings = chromadb.config.Settings(
            chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
            is_persistent=True,
            persist_directory=str(place.directory),
            allow_reset=False,
            **common,
        )
        client = chromadb.PersistentClient(path=str(place.directory), settings=settings)
    else:
        address = urlsplit(place.server.url)
        secure = address.scheme == "https"
        settings = chromadb.config.Settings(
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host=address.hostname,
            chroma_server_http_port=address.port or (443 if secure else 8000),
            chroma_server_ssl_enabled=secure,
            chroma_server_ssl_verify=str(place.server.certificate or "") or None,
            chroma_server_headers=dict(place.server.headers),
            **common,
        )
        client = _timed_client(settings, place.server.timeout)
    return cast("Client", client)  # declared as its interface, which has no close()


def _timed_client(settings: Any, timeout: float) -> Client:
    """A client of a server, none of whose requests waits for longer than ``timeout`` seconds.

    Chroma's waits for ever, has no setting for it, and makes its first requests when it is made.
    """
    from chromadb.api.client import Client

    class TimedClient(Client):
        def get_user_identity(self) -> UserIdentity:
            """The constructor's first request, as httpx tells of it if it fails."""
            cast("Any", self._server)._session.timeout = timeout
            return self._server.get_user_identity()

        def _validate_tenant_database(self, tenant: str, database: str) -> None:
            """Would ask through another client; a database that lacks shows at the first use."""

    return TimedClient(settings=settings)


class PassageVectors:
    """The vectors of a generation's passages, to read."""

    def __init__(self, place: VectorLocation) -> None:
        self._place = place
        with _translating(place):
            self._client = open_client(place)
            self._collection = self._client.get_collection(
                place.collection, embedding_function=None
            )

    def nearest(self, vector: Vectors, count: int) -> dict[str, float]:
        """The cosine of the nearest passages, by id, best first."""
        with _translating(self._place):
            found = self._collection.query(
                query_embeddings=vector[None, :], n_results=count, include=["distances"]
            )
        distances = (found["distances"] or [[]])[0]
        return {i: 1.0 - d for i, d in zip(found["ids"][0], distances, strict=True)}

    def cosines(self, vector: Vectors, ids: Sequence[str]) -> dict[str, float]:
        """The cosine of these passages with a unit vector, by id; those that are here."""
        if not ids:
            return {}
        stored = self.stored(ids)
        return {i: float(of @ vector) for i, of in stored.items()}

    def stored(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of these passages, by id; those that are here."""
        with _translating(self._place):
            found = self._collection.get(ids=list(ids), include=["embeddings"])
        if not found["ids"]:
            return {}
        return dict(zip(found["ids"], np.asarray(found["embeddings"], np.float32), strict=True))

    def count(self) -> int:
        """How many passages the collection holds."""
        with _translating(self._place):
            return self._collection.count()

    def ids(self) -> set[str]:
        """The ids of all passages the collection holds."""
        found: set[str] = set()
        with _translating(self._place):
            for start in range(0, self._collection.count(), BATCH):
                page = self._collection.get(limit=BATCH, offset=start, include=[])
                found.update(page["ids"])
        return found

    def close(self) -> None:
        """Give the files back."""
        self._client.close()


def write_vectors(
    place: VectorLocation,
    removed: Sequence[str],
    added: Iterable[tuple[Sequence[str], Vectors]],
    *,
    create: bool,
) -> None:
    """Bring a collection up to date, or make it, and close it.

    ``added`` comes in batches of ids and unit vectors, shape (ids, dimensions). A server
    that goes away is waited for: adding what is there already changes nothing.
    """
    with _translating(place), closing(_patiently(place, open_client, place)) as client:
        collection = _collection(client, place, create=create)
        for start in range(0, len(removed), BATCH):
            _patiently(place, collection.delete, ids=list(removed[start : start + BATCH]))
        size = SERVER_BATCH if place.server else BATCH
        for ids, vectors in added:
            for start in range(0, len(ids), size):
                some = slice(start, start + size)
                _patiently(place, collection.add, ids=list(ids[some]), embeddings=vectors[some])


def remove_vectors(place: VectorLocation) -> None:
    """Remove a generation's collection from the server. One that is not there is no error."""
    chromadb = import_chroma()
    with _translating(place), closing(open_client(place)) as client:
        try:
            client.delete_collection(place.collection)
        except chromadb.errors.NotFoundError:
            return


def _collection(client: Client, place: VectorLocation, *, create: bool) -> Collection:
    if not create:
        return client.get_collection(place.collection, embedding_function=None)
    # "get or": the answer to an earlier request may have been lost with the connection.
    return cast(
        "Collection",
        _patiently(
            place,
            client.get_or_create_collection,
            place.collection,
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": SEARCH_BREADTH}},
        ),
    )


def _patiently(place: VectorLocation, function: Any, *arguments: Any, **options: Any) -> Any:
    """Call, and call again while the server cannot be reached."""
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

    retrying = Retrying(
        retry=retry_if_exception(_is_unreachable),
        stop=stop_after_delay(place.server.patience if place.server else 0),
        wait=wait_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    return retrying(function, *arguments, **options)


def _is_unreachable(error: BaseException) -> bool:
    """Whether a server could not be spoken to, directly or through a proxy."""
    import httpx

    return isinstance(error, httpx.TransportError) or _status(error) in AWAY


def _status(error: BaseException) -> int | None:
    """The HTTP status behind an error that is not Chroma's own: its client tells but the text."""
    import httpx

    cause = error.__context__
    return cause.response.status_code if isinstance(cause, httpx.HTTPStatusError) else None


@contextmanager
def _translating(place: VectorLocation) -> Iterator[None]:
    """Turn Chroma's own errors, and a server's silence, into a StorageError."""
    chromadb = import_chroma()
    import httpx

    try:
        yield
    except chromadb.errors.ChromaError as error:
        raise StorageError(f"Chroma: {error}; run virgolette index --rebuild") from error
    except Exception as error:
        # A bare Exception is what Chroma makes of an answer that it cannot read.
        of_server = isinstance(error, (httpx.HTTPError, ValueError)) or type(error) is Exception
        if place.server is None or not of_server:
            raise
        status = _status(error)
        raise ServerError(
            f"the Chroma server {place.server.url} cannot be used "
            f"({f'HTTP {status}' if status else error}): "
            "see whether it runs, and VIRGOLETTE_CHROMA_URL"
        ) from error

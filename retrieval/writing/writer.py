"""A chat model, as far as answering needs it: text in pieces, within time and tokens."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableSequence
from langchain_core.tracers.langchain import wait_for_all_tracers
from langsmith.utils import tracing_is_enabled
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from retrieval.answer import Fallback
from retrieval.writing.claims import SCHEMA
from retrieval.writing.options import Account, AnswerOptions, Limits, Usage
from retrieval.writing.streaming import GivenUpError, TooSlowError, drawn

MOST_FAILURES = 3  # one after another, after which nothing is asked for a while
PAUSE = 60.0  # seconds until the next try


class Breaker:
    """Counts failures. Safe for threads, which do not wait for one another.

    Source: M. Nygard, "Release It!" (2007), "Circuit Breaker". pybreaker, the library for it,
    holds a lock for the length of each call: questions would be written one at a time.
    """

    def __init__(self, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def admits(self) -> bool:
        """Whether something may be asked now; after the pause one question tries."""
        with self._lock:
            if self._failures < MOST_FAILURES:
                return True
            if self._clock() < self._closed_until:
                return False
            self._closed_until = self._clock() + self._pause  # the others wait for this try
            return True

    def succeeded(self) -> None:
        """What was asked was answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """What was asked failed."""
        with self._lock:
            self._failures += 1
            self._closed_until = self._clock() + self._pause


TRIES = 3  # of a call whose failure may pass
LONGEST_PAUSE = 8.0  # seconds between two tries
LONGEST_TRACING = 10.0  # seconds for traces to be sent at the end
# Of a form: llama.cpp's Python server answers 500 to what it does not know.
_REFUSALS = (400, 404, 415, 422, 500, 501)
CHARACTERS = 4  # of a token, about, where the provider does not count

_log = logging.getLogger(__name__)


class WritingError(Exception):
    """The chat model gives no text. ``why``: as users are told.

    ``refused``: the provider does not take forms, it seems.
    """

    def __init__(self, why: Fallback, *, refused: bool = False) -> None:
        super().__init__(why.value)
        self.why = why
        self.refused = refused


class Writer:
    """Text of a chat model, for several questions at a time.

    ``structured``: whether the model can be made to fill in a form; once it refuses to, it is not
    asked to any more. ``form_method``: how it is, as ``with_structured_output`` calls it, where its
    own way is not the best.
    """

    def __init__(
        self,
        model: BaseChatModel,
        name: str,
        limits: Limits | None = None,
        account: Account | None = None,
        breaker: Breaker | None = None,
        form_method: str | None = None,
    ) -> None:
        self.name = name
        self.limits = limits or Limits()
        self._model = model
        self._account = account
        self._breaker = breaker or Breaker()
        self._form = _with_form(model, form_method)

    @property
    def structured(self) -> bool:
        """Whether the claims are asked for in a form."""
        return self._form is not None

    def deadline(self) -> float:
        """The moment, of ``time.monotonic``, until which a question that begins now is written."""
        return time.monotonic() + self.limits.seconds

    def text(
        self,
        messages: Sequence[BaseMessage],
        options: AnswerOptions,
        until: float,
        config: RunnableConfig | None = None,
        *,
        form: bool = False,
    ) -> Iterator[str]:
        """What the model writes, in pieces. Raises WritingError, and GivenUpError.

        ``form``: fill in SCHEMA, by whatever way the model has for that.
        """
        form = form and self.structured
        if self._account and not self._account.may_spend(options.person):
            raise WritingError(Fallback.SPENT)
        if not self._breaker.admits():
            raise WritingError(Fallback.UNREACHABLE)
        source: Runnable[Any, Any] = self._form if self._form and form else self._model
        counted = _Counted(sum(len(str(message.content)) for message in messages))
        with self._translating(form=form), self._paying(options, counted):
            for chunk in self._tried(source, list(messages), options, until, config, form):
                if piece := counted.add(chunk):
                    yield piece
                if counted.received > self.limits.tokens:
                    raise WritingError(Fallback.SPENT)

    def close(self) -> None:
        """Have traces sent, where the user wants them."""
        if tracing_is_enabled():
            # In a thread: where nobody takes the traces it would wait for ever.
            sending = threading.Thread(target=wait_for_all_tracers, daemon=True)
            sending.start()
            sending.join(LONGEST_TRACING)

    @contextmanager
    def _translating(self, *, form: bool) -> Iterator[None]:
        """Failures as users are told of them; the circuit breaker counts them."""
        try:
            yield
        except (GivenUpError, WritingError):
            raise
        except TooSlowError:
            self._breaker.failed()
            raise WritingError(Fallback.TOO_SLOW) from None
        except Exception as error:  # noqa: BLE001 (each provider has exceptions of its own)
            # Its words may hold a part of the key or of the question.
            _log.warning("the chat model failed: %s%s", type(error).__name__, _status(error))
            refused = form and _status_of(error) in _REFUSALS
            if not refused:
                self._breaker.failed()
            raise WritingError(Fallback.UNREACHABLE, refused=refused) from None
        except GeneratorExit:  # enough was read
            self._breaker.succeeded()
            raise
        else:
            self._breaker.succeeded()

    @contextmanager
    def _paying(self, options: AnswerOptions, counted: _Counted) -> Iterator[None]:
        try:
            yield
        finally:
            if self._account and counted.begun:
                self._account.spent(options.person, counted.usage)

    def without_form(self) -> None:
        """The model does not fill in forms after all: ask for lines from now on."""
        self._form = None

    def _tried(
        self,
        source: Runnable[Any, Any],
        messages: list[BaseMessage],
        options: AnswerOptions,
        until: float,
        config: RunnableConfig | None,
        form: bool,
    ) -> Iterator[Any]:
        """The chunks of a stream, restarted while nothing has come and the failure may pass."""
        begun = False
        retrying = Retrying(
            retry=retry_if_exception(lambda error: not begun and _may_pass(error, form=form)),
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE),
            sleep=lambda seconds: _sleep(seconds, until, options.given_up),
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                stream = drawn(lambda: source.stream(messages, config), until, options.given_up)
                for chunk in stream:
                    begun = True
                    yield chunk


class _Counted:
    """The text of chunks, and how many tokens they took; estimated where nobody tells."""

    def __init__(self, sent: int) -> None:
        self._sent = sent // CHARACTERS
        self._characters = 0
        self._told = Usage()
        self.begun = False

    def add(self, chunk: Any) -> str:
        """The text of a chunk."""
        self.begun = True
        if not isinstance(chunk, AIMessageChunk):
            return ""
        if chunk.usage_metadata:
            told = chunk.usage_metadata
            self._told += Usage(told["input_tokens"], told["output_tokens"])
        piece = chunk.text + "".join(call.get("args") or "" for call in chunk.tool_call_chunks)
        self._characters += len(piece)
        return piece

    @property
    def received(self) -> int:
        """The tokens that came, about."""
        return max(self._told.received, self._characters // CHARACTERS)

    @property
    def usage(self) -> Usage:
        """What was sent and received."""
        return Usage(self._told.sent or self._sent, self.received)


def _with_form(model: BaseChatModel, method: str | None) -> Runnable[Any, Any] | None:
    """The model made to fill in SCHEMA, whose chunks are messages; None where it cannot."""
    try:
        told: dict[str, Any] = {"method": method} if method else {}
        filled = model.with_structured_output(SCHEMA, **told)
    except (NotImplementedError, ValueError):
        return None
    # A sequence of the model and a parser, which would wait for the end.
    return filled.first if isinstance(filled, RunnableSequence) else None


def _sleep(seconds: float, until: float, given_up: threading.Event) -> None:
    """Wait before another try, unless there is no time for it."""
    if time.monotonic() + seconds >= until:
        raise TooSlowError
    if given_up.wait(seconds):
        raise GivenUpError


def _status(error: BaseException) -> str:
    status = _status_of(error)
    return f" {status}" if status else ""


def _status_of(error: BaseException) -> int:
    """The HTTP status that a provider's exception tells; 0 where it tells none."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def _may_pass(error: BaseException, *, form: bool) -> bool:
    """Whether another try may work: not where the provider refuses what it was asked."""
    if isinstance(error, (TooSlowError, GivenUpError)) or not isinstance(error, Exception):
        return False
    status = _status_of(error)
    if form and status in _REFUSALS:
        return False
    return status in (0, 408, 409, 429) or status >= 500

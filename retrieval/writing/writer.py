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
from retrieval.writing.streaming import GivenUpError, TooSlowError, stream_in_thread

MAX_FAILURES = 3  # in a row, after which the model is not called for a while
PAUSE = 60.0  # seconds until the next call
MAX_TRIES = 3  # of a call that may succeed the next time
MAX_RETRY_PAUSE = 8.0  # seconds between two tries
MAX_TRACING = 10.0  # seconds to send traces at the end
CHARACTERS_PER_TOKEN = 4  # roughly, where the provider does not count
# Status codes of providers that do not know forms: llama.cpp's Python server answers 500.
_FORM_REFUSED = (400, 404, 415, 422, 500, 501)

_log = logging.getLogger(__name__)


class WritingError(Exception):
    """The chat model gives no text. ``fallback``: the reason that users read.

    ``form_refused``: the provider does not seem to accept forms.
    """

    def __init__(self, fallback: Fallback, *, form_refused: bool = False) -> None:
        super().__init__(fallback.value)
        self.fallback = fallback
        self.form_refused = form_refused


class Breaker:
    """A circuit breaker: counts failures. Threads do not wait for one another.

    Source: M. Nygard, "Release It!" (2007), "Circuit Breaker". pybreaker, the library for it,
    holds a lock during each call: questions would be written one at a time.
    """

    def __init__(self, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def admits(self) -> bool:
        """Whether a call may be made now; after the pause, one call tries."""
        with self._lock:
            if self._failures < MAX_FAILURES:
                return True
            if self._clock() < self._closed_until:
                return False
            self._closed_until = self._clock() + self._pause  # other calls wait for this try
            return True

    def succeeded(self) -> None:
        """Note a successful call."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Note a failed call."""
        with self._lock:
            self._failures += 1
            self._closed_until = self._clock() + self._pause


class Writer:
    """Text of a chat model, for several questions at a time.

    ``form_method``: the ``method`` of ``with_structured_output`` if the model's default is not the
    best one.
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
        """Whether the model fills in forms; once it refuses one, it is not asked to again."""
        return self._form is not None

    def without_form(self) -> None:
        """Ask for lines from now on."""
        self._form = None

    def deadline(self) -> float:
        """The moment, of ``time.monotonic``, until which a question that begins now is written."""
        return time.monotonic() + self.limits.seconds

    def text(
        self,
        messages: Sequence[BaseMessage],
        options: AnswerOptions,
        deadline: float,
        config: RunnableConfig | None = None,
        *,
        form: bool = False,
    ) -> Iterator[str]:
        """The text of the model, in pieces. Raises WritingError and GivenUpError.

        ``form``: fill in SCHEMA, if the model can.
        """
        if self._account and not self._account.may_spend(options.person):
            raise WritingError(Fallback.SPENT)
        if not self._breaker.admits():
            raise WritingError(Fallback.UNREACHABLE)
        source: Runnable[Any, Any] = self._form if form and self._form else self._model
        form = source is not self._model
        meter = _Meter(sum(len(str(message.content)) for message in messages))
        with self._translated_errors(form=form), self._recorded(options.person, meter):
            for chunk in _streamed(source, list(messages), options, deadline, config, form):
                if piece := meter.add(chunk):
                    yield piece
                if meter.usage.received > self.limits.tokens:
                    raise WritingError(Fallback.SPENT)

    def close(self) -> None:
        """Send the traces, if the user has set up tracing."""
        if tracing_is_enabled():
            # In a thread: it would wait for ever if nobody receives the traces.
            sending = threading.Thread(target=wait_for_all_tracers, daemon=True)
            sending.start()
            sending.join(MAX_TRACING)

    @contextmanager
    def _translated_errors(self, *, form: bool) -> Iterator[None]:
        """Turn failures into WritingError; the circuit breaker counts them."""
        try:
            yield
        except (GivenUpError, WritingError):
            raise
        except TooSlowError:
            self._breaker.failed()
            raise WritingError(Fallback.TOO_SLOW) from None
        except Exception as error:  # noqa: BLE001 (each provider has its own exceptions)
            # The message may contain a part of the key or of the question.
            status = _status_of(error)
            _log.warning("the chat model failed: %s %s", type(error).__name__, status or "")
            form_refused = form and status in _FORM_REFUSED
            if not form_refused:
                self._breaker.failed()
            raise WritingError(Fallback.UNREACHABLE, form_refused=form_refused) from None
        except GeneratorExit:  # the caller has read enough
            self._breaker.succeeded()
            raise
        else:
            self._breaker.succeeded()

    @contextmanager
    def _recorded(self, person: str, meter: _Meter) -> Iterator[None]:
        try:
            yield
        finally:
            if self._account and meter.started:
                self._account.record(person, meter.usage)


class _Meter:
    """Counts the tokens of a call; estimates them if the provider does not."""

    def __init__(self, characters_sent: int) -> None:
        self._sent = characters_sent // CHARACTERS_PER_TOKEN
        self._characters = 0
        self._reported = Usage()
        self.started = False

    def add(self, chunk: Any) -> str:
        """The text of a chunk."""
        self.started = True
        if not isinstance(chunk, AIMessageChunk):
            return ""
        if usage := chunk.usage_metadata:
            self._reported += Usage(usage["input_tokens"], usage["output_tokens"])
        piece = chunk.text + "".join(call.get("args") or "" for call in chunk.tool_call_chunks)
        self._characters += len(piece)
        return piece

    @property
    def usage(self) -> Usage:
        """The tokens sent and received so far."""
        received = max(self._reported.received, self._characters // CHARACTERS_PER_TOKEN)
        return Usage(self._reported.sent or self._sent, received)


def _streamed(
    source: Runnable[Any, Any],
    messages: list[BaseMessage],
    options: AnswerOptions,
    deadline: float,
    config: RunnableConfig | None,
    form: bool,
) -> Iterator[Any]:
    """The chunks of a stream, restarted if it fails before its first chunk in a passing way."""
    started = False
    retrying = Retrying(
        retry=retry_if_exception(lambda error: not started and _may_pass(error, form=form)),
        stop=stop_after_attempt(MAX_TRIES),
        wait=wait_random_exponential(multiplier=0.5, max=MAX_RETRY_PAUSE),
        sleep=lambda seconds: _sleep(seconds, deadline, options.given_up),
        reraise=True,
    )
    for attempt in retrying:
        with attempt:
            stream = stream_in_thread(
                lambda: source.stream(messages, config), deadline, options.given_up
            )
            for chunk in stream:
                started = True
                yield chunk


def _with_form(model: BaseChatModel, method: str | None) -> Runnable[Any, Any] | None:
    """The model that fills in SCHEMA, whose chunks are messages; None if it cannot."""
    try:
        options: dict[str, Any] = {"method": method} if method else {}
        structured = model.with_structured_output(SCHEMA, **options)
    except (NotImplementedError, ValueError):
        return None
    # A sequence of the model and a parser, which would wait for the end.
    return structured.first if isinstance(structured, RunnableSequence) else None


def _sleep(seconds: float, deadline: float, given_up: threading.Event) -> None:
    """Wait before another try. Raises TooSlowError if there is no time for it."""
    if time.monotonic() + seconds >= deadline:
        raise TooSlowError
    if given_up.wait(seconds):
        raise GivenUpError


def _status_of(error: BaseException) -> int:
    """The HTTP status in a provider's exception; 0 if it has none."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def _may_pass(error: BaseException, *, form: bool) -> bool:
    """Whether another try may succeed: not if the provider refuses the request."""
    if isinstance(error, (TooSlowError, GivenUpError)) or not isinstance(error, Exception):
        return False
    status = _status_of(error)
    if form and status in _FORM_REFUSED:
        return False
    return status in (0, 408, 409, 429) or status >= 500

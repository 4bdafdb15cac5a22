"""A chat model over OpenAI's protocol, through LangChain's real client, as users run it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Workplace
from tests.openai_api import KEY, FakeOpenAI, Json, Reply, claims

QUESTION = "Da dove è partito il treno blindato?"
WORDS = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang per la Russia"
TRUE = "Il treno blindato è partito da Pyongyang."


def number_of(body: Json, words: str = WORDS) -> int:
    """The number under which a request shows the passage with these words."""
    told: str = body["messages"][-1]["content"]
    return int(told[: told.index(words)].rpartition(" passage ")[2].partition(":")[0])


def true_claim(body: Json) -> str:
    return claims((TRUE, [(number_of(body), WORDS)]))


def environment(api: FakeOpenAI, **more: str) -> dict[str, str]:
    return {
        "VIRGOLETTE_CHAT_MODEL": "openai:test-model",
        "VIRGOLETTE_CHAT_BASE_URL": api.base_url,
        "OPENAI_API_KEY": KEY,
        **more,
    }


def ask(place: Workplace, says: Callable[[Json], Reply], **more: str) -> tuple[Json, FakeOpenAI]:
    with FakeOpenAI(says) as api:
        done = place.run("ask", "--json", QUESTION, **environment(api, **more))
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stderr and KEY[:8] not in done.stderr and "Traceback" not in done.stderr
    return dict(json.loads(done.stdout)), api


def test_a_written_answer_stands_above_its_quotations(indexed_place: Workplace) -> None:
    found, api = ask(indexed_place, lambda body: Reply(true_claim(body)))
    assert found["answer"] == f"{TRUE} [1]" and found["answerer"] == "openai:test-model"
    assert found["claims"] == [{"text": TRUE, "quotes": [1]}]
    (body,) = api.requests
    assert api.keys == [KEY] and body["model"] == "test-model" and body["stream"]
    assert body["response_format"]["json_schema"]["name"] == "claims"
    text = indexed_place.run("show", found["quotes"][0]["article"]).stdout
    for quote in found["quotes"]:
        assert text[quote["start"] : quote["end"]] == quote["text"]


def test_on_a_terminal_and_in_status(indexed_place: Workplace) -> None:
    price = {"VIRGOLETTE_CHAT_PRICE": "2/4 USD"}
    with FakeOpenAI(lambda body: Reply(true_claim(body))) as api:
        told = environment(api, **price)
        done = indexed_place.run("ask", QUESTION, **told)
        assert f"  {TRUE} [1]\n" in done.stdout
        assert "scritto da openai:test-model" in done.stdout
        status = indexed_place.run("status", **told).stdout
    assert re.search(
        r"chat +openai:test-model, last answer (\d+) tokens, 0.00\d+ USD; today \1", status
    )


def test_openai_itself_fills_in_a_tool_and_tells_its_tokens(indexed_place: Workplace) -> None:
    with FakeOpenAI(lambda body: Reply(true_claim(body))) as api:
        told = environment(api, OPENAI_API_BASE=api.base_url, VIRGOLETTE_CHAT_PRICE="2/4 USD")
        del told["VIRGOLETTE_CHAT_BASE_URL"]
        done = indexed_place.run("ask", QUESTION, **told)
        status = indexed_place.run("status", **told).stdout
    (body,) = api.requests
    assert f"  {TRUE} [1]\n" in done.stdout and "tools" in body
    received = len(true_claim(body)) // 4
    cost = (1000 * 2 + received * 4) / 1e6
    line = f"last answer {1000 + received} tokens, {cost:.4f} USD; today {1000 + received} tokens"
    assert line in status


@pytest.mark.parametrize(
    ("reply", "why", "calls"),
    [
        (Reply(status=500), "unreachable", 4),  # once for a form
        (Reply(status=503), "unreachable", 3),
        (Reply(status=429, code="rate_limit_exceeded"), "unreachable", 3),
        (Reply(status=401, code="invalid_api_key"), "unreachable", 1),
        (Reply("{}"), "silent", 1),
        (Reply("Non lo so.", pieces=3), "silent", 2),  # no form: asked for lines
        (Reply('{"claims": [', cut=1), "unreachable", 1),
        (Reply("bla " * 500, pieces=4, endless=True), "spent", 1),
        (Reply("bla", silent=20), "too_slow", 1),
        (Reply('{"claims": [{"text": "Sì.", "quotes": []}]}'), "unheld", 1),
    ],
)
def test_what_goes_wrong_leaves_the_quotations(
    indexed_place: Workplace, reply: Reply, why: str, calls: int
) -> None:
    seconds = "8" if why == "too_slow" else "60"  # on a busy machine each try takes a while
    limits = {"VIRGOLETTE_CHAT_SECONDS": seconds, "VIRGOLETTE_CHAT_TOKENS_PER_QUESTION": "400"}
    found, api = ask(indexed_place, lambda body: reply, **limits)
    assert found["fallback"] == why and len(api.requests) == calls
    assert found["answerer"] == "extractive" and found["quotes"] and not found["claims"]


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_server_that_knows_no_forms_is_asked_for_lines(
    indexed_place: Workplace, status: int
) -> None:
    def says(body: Json) -> Reply:
        if "response_format" in body:
            return Reply(status=status, code="unsupported")
        return Reply(f"CLAIM: {TRUE}\nQUOTE {number_of(body)}: {WORDS}\n")

    found, api = ask(indexed_place, says)
    assert found["answer"] == f"{TRUE} [1]" and len(api.requests) == 2


def test_a_failure_that_passes_is_tried_again(indexed_place: Workplace) -> None:
    replies = iter([Reply(status=503), Reply(status=429)])
    found, api = ask(indexed_place, lambda body: next(replies, Reply(true_claim(body))))
    assert found["claims"] and len(api.requests) == 3


def test_a_stream_that_breaks_leaves_what_had_come(indexed_place: Workplace) -> None:
    def says(body: Json) -> Reply:
        two = claims((TRUE, [(number_of(body), WORDS)]), ("Kim è sul treno.", [(1, "x")]))
        return Reply(two, pieces=10, cut=9)

    found, _ = ask(indexed_place, says)
    assert found["answer"] == f"{TRUE} [1]" and found["fallback"] is None


def test_the_limit_of_a_day_holds_across_commands(indexed_place: Workplace) -> None:
    limit = {"VIRGOLETTE_CHAT_TOKENS_PER_DAY": "900"}
    first, _ = ask(indexed_place, lambda body: Reply(true_claim(body)), **limit)
    second, api = ask(indexed_place, lambda body: Reply(true_claim(body)), **limit)
    assert first["claims"] and second["fallback"] == "spent" and api.requests == []


def test_a_file_that_cannot_count_lets_nothing_be_spent(indexed_place: Workplace) -> None:
    (indexed_place.data / "bot.sqlite").write_bytes(b"no database" * 1000)
    with FakeOpenAI(lambda body: Reply(true_claim(body))) as api:
        done = indexed_place.run("ask", "--json", QUESTION, **environment(api))
    assert json.loads(done.stdout)["fallback"] == "spent" and api.requests == []
    assert "bot.sqlite cannot be used" in done.stderr


def test_the_repl_shows_claims_and_asks_on(indexed_place: Workplace) -> None:
    def says(body: Json) -> Reply:
        told = str(body["messages"])
        if "Last question: e quando?" in told:
            return Reply("Quando è partito il treno blindato?")
        return Reply(true_claim(body) if WORDS in told else '{"claims": []}')

    with FakeOpenAI(says) as api:
        told = environment(api)
        done = indexed_place.run("chat", stdin=f"{QUESTION}\ne quando?\n/esci\n", **told)
    assert done.returncode == 0 and done.stdout.count(TRUE) >= 1
    assert "cercato: Quando è partito il treno blindato?" in done.stdout
    assert f"Question: {QUESTION}" in str(api.requests)  # the conversation that is rewritten


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"VIRGOLETTE_CHAT_MODEL": "gpt"}, "provider:model, like openai:"),
        ({"VIRGOLETTE_CHAT_MODEL": "openai:"}, "provider:model, like openai:"),
        ({"VIRGOLETTE_CHAT_MODEL": "nobody:x"}, "LangChain knows no provider 'nobody'"),
        ({"VIRGOLETTE_CHAT_MODEL": "anthropic:x"}, "pip install '.[anthropic]'"),
        ({"VIRGOLETTE_CHAT_MODEL": "ollama:x"}, "pip install '.[ollama]'"),
        ({"VIRGOLETTE_CHAT_MODEL": "mistralai:x"}, "pip install langchain-mistralai"),
        ({"VIRGOLETTE_CHAT_MODEL": "openai:x"}, "openai needs a key: set OPENAI_API_KEY"),
        (
            {"VIRGOLETTE_CHAT_MODEL": "openai:x", "VIRGOLETTE_CHAT_BASE_URL": "localhost:1"},
            "VIRGOLETTE_CHAT_BASE_URL is wrong: an address like http://localhost:8080/v1",
        ),
        ({"VIRGOLETTE_CHAT_PRICE": "cheap"}, "VIRGOLETTE_CHAT_PRICE is wrong: what a million"),
        ({"VIRGOLETTE_CHAT_SECONDS": "0"}, "VIRGOLETTE_CHAT_SECONDS is wrong"),
    ],
)
@pytest.mark.parametrize("command", ["ask", "chat"])
def test_what_is_missing_is_said_in_a_line(
    indexed_place: Workplace, command: str, told: dict[str, str], line: str
) -> None:
    done = indexed_place.run(*(["ask", QUESTION] if command == "ask" else ["chat"]), **told)
    assert done.returncode == 2 and done.stdout == ""
    assert line in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("status", "line"),
    [(401, "openai refused the key: set OPENAI_API_KEY again"), (404, "does not know test-model")],
)
def test_a_key_or_a_model_that_is_refused_is_said_at_the_start(
    indexed_place: Workplace, status: int, line: str
) -> None:
    with FakeOpenAI(lambda body: Reply(status=status)) as api:
        done = indexed_place.run("chat", **environment(api))
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1


def test_a_provider_that_is_down_at_the_start_is_no_reason_not_to_start(
    indexed_place: Workplace,
) -> None:
    told = {
        "VIRGOLETTE_CHAT_MODEL": "openai:x",
        "VIRGOLETTE_CHAT_BASE_URL": "http://127.0.0.1:9/v1",
    }
    done = indexed_place.run("chat", stdin=f"{QUESTION}\n", **told)
    assert done.returncode == 0 and "il modello di chat non risponde" in done.stdout
    assert "VIRGOLETTE_CHAT_MODEL does not answer now (OpenAIConnectionError)" in done.stderr


def test_keys_may_be_in_env_file(indexed_place: Workplace) -> None:
    with FakeOpenAI(lambda body: Reply(true_claim(body))) as api:
        told = environment(api)
        (indexed_place.path / ".env").write_text(
            "".join(f"{name}={value}\n" for name, value in told.items())
        )
        done = indexed_place.run("ask", "--json", QUESTION)
    assert json.loads(done.stdout)["claims"] and api.keys == [KEY]


def test_eval_tells_what_became_of_the_claims(indexed_place: Workplace, tmp_path: Path) -> None:
    def says(body: Json) -> Reply:
        lie = ("Il treno è di Biden.", [(number_of(body), WORDS)])
        return Reply(claims((TRUE, [(number_of(body), WORDS)]), lie))

    exam = tmp_path / "exam.jsonl"
    asked = {"question": QUESTION, "articles": ["a.txt"], "answers": ["Pyongyang"]}
    exam.write_text(json.dumps(asked) + "\n")
    with FakeOpenAI(says) as api:
        done = indexed_place.run("eval", str(exam), "--chat", **environment(api))
        without = indexed_place.run("eval", str(exam), **environment(api))
    told = {line[2:38].strip(): line[38:].strip() for line in done.stdout.splitlines()}
    assert told["claims made"] == "2" and told["claims shown"] == "1"
    assert told["dropped: unsupported"] == "1" and told["answers written"] == "1 of 1"
    assert (
        told["false quotations shown"] == "0" and "lowest" in told["cosine of claim and quotation"]
    )
    assert "claims made" not in without.stdout and len(api.requests) == 1
    assert (
        "--chat needs VIRGOLETTE_CHAT_MODEL"
        in indexed_place.run("eval", str(exam), "--chat").stderr
    )


class Collector:
    """A server that keeps what is sent to it, for LangSmith or OpenTelemetry."""

    def __enter__(self) -> Collector:
        got: list[tuple[str, bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))

                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.got = got
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"


def test_traces_are_sent_where_a_user_wants_them_and_a_chat_model_is_there(
    indexed_place: Workplace,
) -> None:
    with Collector() as langsmith, FakeOpenAI(lambda body: Reply(true_claim(body))) as api:
        tracing = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_API_KEY": "lsv2_test",
            "LANGSMITH_ENDPOINT": langsmith.address,
        }
        indexed_place.run("ask", QUESTION, **tracing)
        assert langsmith.got == []  # without a chat model nothing leaves the machine
        indexed_place.run("ask", QUESTION, **environment(api))
        assert langsmith.got == []  # nor unless it is asked for
        indexed_place.run("ask", QUESTION, **tracing, **environment(api))
        told = b"".join(content for _, content in langsmith.got)
    assert b"AnswerChain" in told and TRUE.encode() in told

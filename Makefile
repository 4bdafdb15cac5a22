# Two commands for a newcomer: `make ask Q="…"` and `make test`.
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(VENV)-bench/.ready
CHAT_READY := $(VENV)-chat/.ready
# Of bench-index and bench-answers. For a trial: make bench-index INDEX="--articles 60 --runs 1",
# make bench-answers ANSWERS="--passages 3000 --runs 1"
INDEX ?= --write
ANSWERS ?= --write

export Q

.PHONY: ask test test-fast check format soak bench bench-index bench-answers bench-quality bench-chat lock docs picture conversation clean

ask: $(READY)
	@test -n "$$Q" || { echo 'Ask like this: make ask Q="Dove va il treno blindato?"' >&2; exit 2; }
	@$(BIN)/virgolette index --quiet
	@$(BIN)/virgolette ask -- "$$Q"

# What loads no model and starts no process of its own.
test-fast: $(READY)
	$(BIN)/pytest -n 2 -m "not soak and not slow"

test: $(READY)
	$(BIN)/pytest -n 2 -m "not soak"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: $(READY)
	$(BIN)/pytest -m soak

# Half an hour where bf16 is fast, else two; needs ../shared/data. Writes docs/performance.md, unless INDEX says otherwise.
bench-index: $(BENCH_READY)
	$(VENV)-bench/bin/python -m benchmarks.index $(INDEX)

# What an answer costs, cold, warm and under load, and how that grows: an hour. As above.
bench-answers: $(BENCH_READY)
	$(VENV)-bench/bin/python -m benchmarks.answers $(ANSWERS)

# All speed: docs/performance.md.
bench:
	$(MAKE) --keep-going bench-index bench-answers

# Tables as those of docs/quality.md, in a section of their own there; long; needs ../shared/data.
bench-quality: $(READY)
	$(BIN)/python -m benchmarks.quality --write

# A real, very small chat model behind the gate. Building what serves it takes minutes, asking an hour.
bench-chat: $(CHAT_READY)
	$(VENV)-chat/bin/python -m benchmarks.chat

# The environments: the exact versions of requirements.txt, for the benchmarks
# those of what they need beside it, then this folder itself.
$(BENCH_READY): benchmarks/requirements.txt
$(CHAT_READY): benchmarks/chat-requirements.txt
# llama.cpp's own choice of instructions crashes on some virtual machines; pip keeps what it built.
$(CHAT_READY): export PIP_NO_CACHE_DIR = 1
$(CHAT_READY): export CMAKE_ARGS = -DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON
$(READY) $(BENCH_READY) $(CHAT_READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Virgolette needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv $(@D)
	@echo "Installing the packages of requirements.txt into $(@D): some minutes, once." >&2
	$(@D)/bin/pip install --quiet --disable-pip-version-check \
	  $(addprefix -r ,$(filter %requirements.txt,$^))
	$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# docs/cli.md and docs/settings.md, out of the code.
docs: $(READY)
	$(BIN)/python docs/generate.py

picture: $(READY)
	$(BIN)/virgolette index --quiet
	$(BIN)/python docs/make_picture.py

# docs/conversation.md: the steps of docs/conversation.toml with the real bot; ten minutes.
conversation: $(READY)
	$(BIN)/python -m docs.make_conversation

# Resolve the ranges of pyproject.toml anew and pin what came out. torch's local version
# (+cpu) is dropped, so that any build of 2.13.0 is the right one.
lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet --disable-pip-version-check '.[dev]'
	$(VENV)-lock/bin/pip freeze --exclude virgolette | sed 's/+cpu$$//' > requirements.txt
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) $(VENV)-bench $(VENV)-chat data

# make run starts a broker, make test runs the tests; both set up what they need, the second time at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-ready
DEV_STAMP := $(VENV)/.dev-ready
FUZZ_STAMP := $(VENV)/.fuzz-ready
FUZZ ?= requests records
ARGS ?=
# The tests mostly wait for the processes that they start: one more of them at once than there are cores.
WORKERS ?= 3
# What decides without waiting for processes: its tests are quick, and branches that none of them takes are to be seen.
COVERED := model protocol record runtime metadata metastore controller coordinator replica network
COVERED_PERCENT := 95
empty :=
comma := ,

# The build with compiled modules, unpacked: never in src/.
COMPILED := .bench/compiled
COMPILED_STAMP := $(COMPILED)/.ready

.PHONY: run compat twin twin-record test test-compiled coverage check format setup clients generate docs bench profile fuzz wheel compiled clean

run: $(RUN_STAMP)
	@exec $(BIN)/ottla serve $(ARGS)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUN_STAMP): requirements/runtime.lock pyproject.toml | $(VENV)/bin/python
	@test -f $(DEV_STAMP) || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.lock
	@tools/setup/install_ottla.sh $(BIN)
	@touch $@

$(DEV_STAMP): requirements/dev.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@tools/setup/install_ottla.sh $(BIN)
	@touch $@ $(RUN_STAMP)

setup: $(DEV_STAMP)

clients: $(DEV_STAMP)
	@tools/setup/setup_clients.sh
	@$(BIN)/python -m compat --install --only python,c

test: clients
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -rsfE $(ARGS)

# Measured in the nodes and workers that the tests start, too, which slows them: what goes by the clock may fail here.
coverage: clients
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term $(ARGS)

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin src
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 src
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/generate_protocol --check --if-here
	$(BIN)/python tools/generate_settings_docs.py --check
	$(BIN)/python tools/generate_api_status.py --check
	$(BIN)/python tools/generate_metrics_docs.py --check
	$(BIN)/python tools/generate_dashboard --check
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow" --cov --cov-report= $(COVERED:%=tests/%)
	$(BIN)/coverage report --include=$(subst $(empty) ,$(comma),$(COVERED:%=src/ottla/%/*)) --fail-under=$(COVERED_PERCENT)

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: clients
	$(BIN)/python tools/generate_protocol
	$(BIN)/python tools/generate_settings_docs.py
	$(BIN)/python tools/generate_api_status.py
	$(BIN)/python tools/generate_metrics_docs.py
	$(BIN)/python tools/generate_dashboard

# The same requests to a node as once to Apache Kafka; twin-record asks Kafka anew.
twin: clients
	$(BIN)/pytest tests/twin $(ARGS)

twin-record: clients
	$(BIN)/python -m tests.twin.record $(ARGS)

# Clients of many languages, table in docs/compatibility.md; each is installed into .compat/. ARGS="--help" tells more.
compat: clients
	$(BIN)/python -m compat $(ARGS)

# Ottla beside Apache Kafka. ONLY=produce runs a part (or several, with commas), QUICK=1 fewer rounds and cases.
bench: clients .bench/load
	$(BIN)/python -m bench.run $(if $(QUICK),--quick) $(ONLY) $(ARGS)

# A flame graph of a broker under LOAD=produce|consume|ping|latency; ARGS=--help shows what else can be said.
profile: $(DEV_STAMP) .bench/load
	$(BIN)/python -m bench.profile $(LOAD) $(ARGS)

.bench/load: bench/clients/*.c bench/clients/*.h
	@tools/setup/setup_clients.sh librdkafka
	@mkdir -p $(@D)
	$(CC) -O2 -std=gnu11 -Wall -Wextra -o $@ bench/clients/*.c -lrdkafka -lpthread

$(FUZZ_STAMP): requirements/fuzz.lock $(DEV_STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.lock
	@touch $@

# With CPython 3.12 to 3.14 on Linux the search follows branches: PYTHON=python3.13 VENV=.venv-fuzz; else it goes by chance.
# FUZZ=requests or FUZZ=records is one of the two, ARGS="--seconds 300" how long each takes.
fuzz: $(FUZZ_STAMP)
	@for part in $(FUZZ); do echo "fuzz: $$part" && $(BIN)/python -m tools.fuzz.$$part $(ARGS) || exit 1; done

wheel: $(DEV_STAMP)
	$(BIN)/python -m hatchling build -t wheel

compiled: $(COMPILED_STAMP)

$(COMPILED_STAMP): $(DEV_STAMP) tools/compiled_build.py $(shell find src -name '*.py')
	@rm -rf $(COMPILED) $(COMPILED).wheel
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 $(BIN)/python -m hatchling build -t wheel -d $(COMPILED).wheel
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $(COMPILED) $(COMPILED).wheel/*.whl
	@touch $@

# What needs no node, against the compiled modules instead of the sources. One test puts something in the place of a
# method of Log, which compiled code does not see.
test-compiled: $(COMPILED_STAMP)
	PYTHONPATH=$(COMPILED) $(BIN)/python -c "from ottla.cli.build_kind import build_kind; assert build_kind() == 'compiled'"
	PYTHONPATH=$(COMPILED) $(BIN)/pytest -n $(WORKERS) tests/record tests/protocol tests/log tests/replica tests/network \
		--deselect tests/log/test_deleting_many.py::test_many_segments_go_in_turns $(ARGS)

clean:
	rm -rf $(VENV) .compat .kafka dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

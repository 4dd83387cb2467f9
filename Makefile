# Two commands matter: `make demo` and `make test`.
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# Tests with browsers and processes of their own wait a good part of their time.
WAITING_WORKERS ?= 3
# `make check` runs each test on SQLite; `make test` leaves there those that run once, on PostgreSQL.
SELECT ?=

.PHONY: help demo demo-reset test check lint assets courses conformance lock messages pictures wheel clean

help:
	@echo "make demo        run the product with a small LMS and an inbox beside it"
	@echo "make demo-reset  the same, starting over with a fresh organization"
	@echo "make check       lint, types, import contracts and tests on SQLite"
	@echo "make test        everything: also PostgreSQL, Redis, real processes and Chromium"

$(VENV)/run.done: requirements/run.txt pyproject.toml tools/bootstrap.sh
	@tools/bootstrap.sh $(VENV) requirements/run.txt
	@touch $@

$(VENV)/dev.done: requirements/dev.txt pyproject.toml tools/bootstrap.sh
	@tools/bootstrap.sh $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/run.done

assets: $(VENV)/run.done
	@$(BIN)/python -m tools.assets

courses: $(VENV)/run.done
	@$(BIN)/python -m tools.courses

demo: $(VENV)/run.done assets courses
	@exec $(BIN)/plugin demo

demo-reset: $(VENV)/run.done assets courses
	@exec $(BIN)/plugin demo --reset

lint: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint assets courses
	$(BIN)/pytest -q -n $(WORKERS) $(SELECT) tests/architecture tests/unit tests/functional

test: $(VENV)/dev.done
	@$(BIN)/python -m tools.ensure chromium postgresql redis
	@$(MAKE) --no-print-directory check SELECT='-m "not once"'
	$(BIN)/python -m tests.support.services run -- $(BIN)/pytest -q -n $(WORKERS) --durations 15 -m "not refused_first" tests/functional
	$(BIN)/pytest -q -n $(WAITING_WORKERS) --durations 15 --dist loadfile tests/processes  # each worker has servers of its own
	$(BIN)/pytest -q -n $(WAITING_WORKERS) --durations 15 tests/browser

# ADL's SCORM 2004 suite is not part of this project: make conformance CORPUS=<its folder>
conformance: $(VENV)/dev.done assets
	@$(BIN)/python -m tools.ensure chromium
	$(BIN)/python -m tools.conformance "$(CORPUS)"

lock: $(VENV)/dev.done
	$(BIN)/python -m tools.lock

pictures: $(VENV)/dev.done assets courses
	$(BIN)/python -m tools.pictures

messages: $(VENV)/dev.done
	$(BIN)/python -m tools.messages

wheel: $(VENV)/dev.done assets courses
	$(BIN)/python -m hatchling build -t wheel

clean:
	rm -rf $(VENV) build dist node_modules static/vendor .mypy_cache .ruff_cache .pytest_cache

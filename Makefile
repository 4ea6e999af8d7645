# One file, one word per thing. `make` alone says what there is.
# Nothing here asks for root; `make system` says which command would.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV   := .venv
PY     := $(VENV)/bin/python
UV     := $(VENV)/bin/uv
STAMP  := $(VENV)/.holdfast-setup
# Compiled modules are kept, whatever the shell says: without them every process compiles its packages anew, which
# was 3 of the 5 CPU seconds that a service's imports took.
export PYTHONDONTWRITEBYTECODE :=
# Asked for only where an environment is made; override with `make PYTHON=...`, the path of one.
PYTHON ?= $(shell infra/pick_python.sh)
MEMBERS  := libs/common services/asr services/dialogue services/gateway services/records services/tools services/tts cli
EDITABLE := $(foreach member,$(MEMBERS),-e ./$(member))
LOCK     := --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 -q

VOICE ?= slt
KILL  ?= asr
MODEL ?= well-behaved

SERVICES := asr dialogue gateway records tools tts
TAG      ?= latest
# docker or podman, and compose of the same kind.
ENGINE   ?= $(shell command -v docker || command -v podman)
COMPOSE  ?= $(ENGINE) compose

.PHONY: help setup demo demo-llm run doctor test test-fast lint types fmt lock env-example system clean \
        images secrets compose-up compose-down k8s-validate bench bench-peers

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-11s %s\n", $$1, $$2 }'
	@echo "  settings: VOICE=slt|rms|awb and KILL=asr|all|none (demo), PORT=8080 (run), PYTHON=python3.12 (setup)"

setup: $(STAMP) ## make .venv with everything pinned by hash (again: only if a lock or a package changed)

$(STAMP): requirements/uv.txt requirements/dev.txt $(MEMBERS:%=%/pyproject.toml)
	@python="$(PYTHON)"; if [ -z "$$python" ]; then \
	   echo "holdfast needs Python 3.11 or newer with venv; none found (set PYTHON=...)" >&2; exit 1; fi; \
	 echo "setup: making $(VENV) with $$python: about 10 s with packages cached, up to 5 minutes without"; \
	 test -x $(PY) || "$$python" -m venv $(VENV)
	@test -x $(UV) || $(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@# Packages by hash first, then our own members as they stand in this tree: two steps, because
	@# a source tree has no hash. hatchling and editables are in the lock, so nothing is built blind.
	@$(UV) pip install -q --python $(PY) --no-deps --require-hashes -r requirements/dev.txt
	@$(UV) pip install -q --python $(PY) --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

demo: ## a real call, in real time: questions, a booking, and a service killed meanwhile (VOICE=, KILL=)
	@echo "demo: sets up if need be, starts every service, places one call of about two minutes"
	@$(MAKE) --no-print-directory setup
	@$(VENV)/bin/holdfast demo --voice $(VOICE) --kill $(KILL)

demo-llm: setup ## the demo call with a language model behind the knowledge base (MODEL=well-behaved or hostile)
	@$(VENV)/bin/holdfast demo --voice $(VOICE) --kill $(KILL) --model $(MODEL) --home var/demo-llm

run: setup ## the same system, left running at http://127.0.0.1:8080 (PORT= sets another)
	@$(VENV)/bin/holdfast up

doctor: setup ## what is installed, which engines will be used and why
	@$(VENV)/bin/holdfast doctor

test: setup lint ## everything that must hold: lint, types beside the fast tests, then the live ones two by two
	@$(VENV)/bin/pyright > $(VENV)/types.log 2>&1 & types=$$!; trap "kill $$types 2>/dev/null || :" EXIT; \
	 $(PY) -m pytest -m "not live" -n auto; \
	 wait $$types || { cat $(VENV)/types.log; exit 1; }; tail -1 $(VENV)/types.log
	@$(PY) -m pytest -m live -n 2 --dist loadfile

test-fast: setup ## only the tests that start no processes
	@$(PY) -m pytest -m "not live" -n auto

lint: setup ## ruff, without changing anything
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

types: setup ## pyright
	@$(VENV)/bin/pyright

fmt: setup ## put imports and layout right
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

lock: setup ## resolve requirements/*.in again (upgrade with UPGRADE=--upgrade)
	@$(PY) requirements/collect.py > requirements/all.in
	@cd requirements && ../$(UV) pip compile uv.in -o uv.txt $(LOCK) $(UPGRADE)
	@cd requirements && ../$(UV) pip compile dev.in -o dev.txt --overrides overrides.txt --excludes excludes.txt $(LOCK) $(UPGRADE)
	@# One lock a service, for its image: the same versions as above, only what the service needs.
	@cd requirements && ../$(UV) pip compile build.in -o build.txt -c dev.txt --no-annotate $(LOCK)
	@cd requirements && ../$(UV) pip compile asr-cuda.in -o asr-cuda.txt --no-annotate $(LOCK) $(UPGRADE)
	@cd requirements && ../$(UV) pip compile k8s.in -o k8s.txt -c dev.txt --no-annotate $(LOCK) $(UPGRADE)
	@cd bench/peers && for peer in livekit pipecat; do ../../$(UV) pip compile $$peer.in -o $$peer.txt --no-annotate $(LOCK); done
	@cd requirements && for service in $(SERVICES); do \
	   ../$(PY) collect.py libs/common services/$$service | ../$(UV) pip compile - -o $$service.txt -c dev.txt \
	     --overrides overrides.txt --excludes excludes.txt --no-annotate $(LOCK); done

bench: setup ## measure calls per core, latency and cost, alone on the machine; writes docs/benchmarks.md (LEVELS=, RUNS=, AGAIN=1)
	@$(PY) bench/calls.py platform $(if $(LEVELS),--levels $(LEVELS)) $(if $(RUNS),--runs $(RUNS)) $(if $(AGAIN),--again)

bench-peers: setup ## the same of livekit-agents and pipecat-ai, each in an environment of its own (650 MB; PEERS=, LEVELS=, RUNS=)
	@for peer in livekit pipecat; do test -x var/peers/$$peer/bin/python || { \
	   echo "bench-peers: making var/peers/$$peer"; "$(PYTHON)" -m venv --without-pip var/peers/$$peer && \
	   $(UV) pip install -q --python var/peers/$$peer/bin/python --no-deps --require-hashes -r bench/peers/$$peer.txt; }; done
	@$(PY) bench/calls.py peers $(if $(PEERS),--peers $(PEERS)) $(if $(LEVELS),--levels $(LEVELS)) $(if $(RUNS),--runs $(RUNS)) \
	   $(if $(AGAIN),--again)

env-example: setup ## write .env.example again from the settings themselves
	@$(PY) -m holdfast_cli.env_example > .env.example

images: ## build the six images (TAG=latest, ENGINE=docker or podman, ACCELERATOR=cuda for asr)
	@test -n "$(ENGINE)" || { echo "neither docker nor podman here" >&2; exit 1; }
	@for service in $(SERVICES); do \
	   echo "image holdfast/$$service:$(TAG)"; \
	   BUILDAH_FORMAT=docker $(ENGINE) build -q --build-arg SERVICE=$$service --build-arg ACCELERATOR=$(or $(ACCELERATOR),cpu) \
	     -t holdfast/$$service:$(TAG) . >/dev/null; done

secrets: ## make the secrets of a composed system, once (secrets/, one file each)
	@python3 infra/compose/make_secrets.py

compose-up: secrets ## build and start the whole system in containers at http://127.0.0.1:8080
	@$(COMPOSE) up -d --build
	@echo "up: http://127.0.0.1:$${PORT:-8080}; call it with: .venv/bin/holdfast call --name compose 'how long is the trial'"

compose-down: ## stop the composed system; its data stays
	@$(COMPOSE) down

k8s-validate: setup ## render infra/k8s and hold it against the Kubernetes schemas (100 MB, an environment of their own)
	@test -x var/k8s-venv/bin/python || { "$(PYTHON)" -m venv --without-pip var/k8s-venv && \
	   $(UV) pip install -q --python var/k8s-venv/bin/python --no-deps --require-hashes -r requirements/k8s.txt; }
	@var/k8s-venv/bin/python infra/k8s/validate.py

system: ## install the system packages that improve things (flite, Chromium): needs root
	@if command -v apt-get >/dev/null; then \
	   if [ "$$(id -u)" = 0 ]; then apt-get install -y --no-install-recommends flite libflite1 chromium; \
	   else echo "needs root; run: sudo apt-get install --no-install-recommends flite libflite1 chromium"; exit 1; fi; \
	 elif command -v brew >/dev/null; then brew install flite; \
	 else echo "neither apt-get nor brew here: install flite with your package manager"; exit 1; fi

clean: ## remove the environment and everything that runs have written
	@rm -rf $(VENV) var .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

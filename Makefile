# Two commands do everything, set-up included:  make run  and  make test
#
#   make run FOR=60 JSON=summary.json LANES=2 SEED=7 PORT=8080
#   make run SUPERVISOR=0             you decide about the held trucks, at the console
#   make run PYTHON=python3.12        another Python for .venv

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test hil bench sim chaos fuzz photographs lock format lint clean docs

# Any Python that answers may start bootstrap.py, which itself looks for the right one; a shim
# that exists and does not work is passed over.
define bootstrap
@for python in $(PY) "$(PYTHON)" python3 python3.12 python3.11 python3.13 python; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null || continue; \
  PYTHON="$(PYTHON)" exec "$$python" -E bootstrap.py $(1); \
done; \
echo "setup: kakou needs Python 3.11 or newer; none was found on PATH. On Debian run:" \
  "apt-get install python3 python3-venv" >&2; exit 1
endef

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r target text; do printf '%-18s %s\n' "$$target" "$$text"; done

setup: ## install what the demonstration needs into .venv
	$(call bootstrap,run)

setup-dev:
	$(call bootstrap,dev)

run: setup ## two lanes, a hub and a console with simulated trucks; Ctrl-C ends it
	@trap : INT; $(PY) -m hil_tests.demo $(if $(FOR),--for '$(FOR)') $(if $(JSON),--json '$(JSON)') \
	  $(if $(LANES),--lanes '$(LANES)') $(if $(SEED),--seed '$(SEED)') $(if $(PORT),--port '$(PORT)') \
	  $(if $(filter 0 no,$(SUPERVISOR)),--no-supervisor); \
	  status=$$?; [ $$status -eq 130 ] || exit $$status

test: setup-dev ## format, lint, types, contracts, every test, a bounded demonstration
	@exec $(PY) -m tests.check $(STEPS)

hil: setup-dev ## prove a lane on a bench and write the acceptance report: BENCH=file OUT=folder PROOF=report.json ARGS="-m share"
	@exec $(PY) -m hil_tests.acceptance $(foreach file,$(BENCH),--bench '$(file)') \
	  $(if $(OUT),--out '$(OUT)') $(if $(PROOF),--proof '$(PROOF)') $(ARGS)

bench: setup-dev ## print the numbers that the documents quote (half an hour; ARGS="--only warm")
	@exec $(PY) -m hil_tests.bench $(ARGS)

sim: setup-dev ## a port of 40 lanes on virtual time: PASSAGES=2000 LANES SEED IMPOSTORS SCRIPT=file JSON
	@exec $(PY) -m hil_tests.virtual_port $(if $(PASSAGES),--passages '$(PASSAGES)') \
	  $(if $(LANES),--lanes '$(LANES)') $(if $(SEED),--seed '$(SEED)') $(if $(JSON),--json '$(JSON)') \
	  $(if $(IMPOSTORS),--impostors '$(IMPOSTORS)') $(if $(SCRIPT),--script '$(SCRIPT)')

chaos: setup-dev ## strike lanes in mid passage: CYCLES=300 kills POWER_CUTS=30 FULL_DISKS PARTITIONS CLOCK_JUMPS LANES
	@exec $(PY) -m hil_tests.chaos.kill_agent --cycles '$(or $(CYCLES),300)' \
	  --power-cuts '$(or $(POWER_CUTS),30)' --full-disks '$(or $(FULL_DISKS),10)' \
	  --partitions '$(or $(PARTITIONS),20)' --clock-jumps '$(or $(CLOCK_JUMPS),10)' \
	  --lanes '$(or $(LANES),4)' $(if $(SEED),--seed '$(SEED)') $(if $(JSON),--json '$(JSON)')

fuzz: setup-dev ## damage a million streams for every codec and report (ARGS="--codec sma --inputs 9999")
	@exec $(PY) -m hil_tests.fuzz $(ARGS)

photographs: setup-dev ## release real photographs at a lane: LABELS=labels.csv FOLDER=its folder
	$(if $(and $(LABELS),$(FOLDER)),,$(error photographs: say where they are: make photographs \
	  LABELS=labels.csv FOLDER=its-folder))
	@exec $(PY) -m hil_tests.photographs --labels '$(LABELS)' --folder '$(FOLDER)' \
	  $(if $(JSON),--json '$(JSON)')

lock: ## write the hashed lock files anew
	$(call bootstrap,lock)

format: setup-dev ## format the code
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

lint: setup-dev ## format, lint, types and import contracts only
	@exec $(PY) -m tests.check format lint types contracts

docs: setup-dev ## write the generated pages of docs/ anew
	@$(PY) -m tests.reference && $(PY) -m tests.core_pages && $(PY) -m tests.policy_page

clean: ## remove .venv, caches and what the demonstration wrote
	@rm -rf .venv .build run dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

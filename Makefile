# What is not in `make help` is not supported.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench chaos golden host host-test host-bench

PYTHON ?= python3
export PIP_DISABLE_PIP_VERSION_CHECK := 1
BIN := .venv/bin
# What local builds need of the host; `imagegen doctor` has the same list (a test compares them).
PACKAGES := qemu-system-x86 qemu-utils ovmf mtools dosfstools fdisk openssh-client mmdebstrap e2fsprogs tar util-linux \
	debian-archive-keyring
TEST_PACKAGES := shellcheck git openssl
# What local builds are measured against.
BENCH_PACKAGES := packer
# It brings a package that has the same import name as one of ours, so it lives apart.
CHECKOV := 3.3.30
UNPRIVILEGED := fakeroot uidmap
DEMO := build/web

help: ## Show this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

demo: host .venv/demo ## Install what is needed and build the web example on this computer
	$(BIN)/imagegen apply examples/web/template.json --target local --out $(DEMO)

test: host-test .venv/test lint ## Install what is needed, lint, and run the tests
	$(BIN)/pytest -n auto --dist worksteal --durations=10 -m "not machine"
	$(BIN)/pytest -n 2 --dist loadfile --durations=10 -m "machine and not long"

lint: .venv/test .venv-checkov/$(CHECKOV) ## ruff, mypy, terraform fmt, shellcheck, checkov
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	terraform fmt -check -recursive modules examples
	for folder in modules examples tests/golden/cases; do \
		.venv-checkov/bin/checkov -d $$folder --compact --quiet --framework terraform --skip-download || exit 1; done
	git ls-files -z '*.sh' .ci/run | grep -zEv '^tests/golden/|/workspace/|/DeprovisioningScript.sh$$' | xargs -0 shellcheck
	git ls-files -z 'modules/*.sh.tftpl' | xargs -0 shellcheck --shell=sh --exclude=SC1091,SC2154

bench: host-bench .venv/test ## Measure what imagegen costs, beside Packer (BENCH=--quick: one round; half an hour)
	$(BIN)/python -m tests.bench $(BENCH)

chaos: host-test .venv/test ## Kill and break builds at random, see that nothing leaks or is lost (hours)
	$(BIN)/python -m tests.chaos $(CHAOS)

golden: .venv/test ## Generate the golden workspaces and the examples' anew
	$(BIN)/python -m tests.golden.regenerate
	$(BIN)/python -m tests.bad.regenerate

host:
	@tools() { $(PYTHON) -c 'import ensurepip' 2>/dev/null || echo python3-venv; echo $(PACKAGES); \
		[ "$$(id -u)" = 0 ] || echo $(UNPRIVILEGED); echo $(EXTRA); }; \
	missing=$$(for p in $$(tools); do dpkg-query -W -f='$${Status}' "$$p" 2>/dev/null | grep -q 'ok installed' || echo "$$p"; done); \
	command -v terraform >/dev/null || { \
		echo "terraform is not installed: https://developer.hashicorp.com/terraform/install"; exit 1; }; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root=sudo; else \
		echo "these packages are missing; run:"; \
		echo "  sudo apt-get install --no-install-recommends" $$missing; exit 1; fi; \
	$$as_root apt-get update -q && \
	$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing

host-test:
	@$(MAKE) --no-print-directory host EXTRA="$(TEST_PACKAGES)"

host-bench:
	@$(MAKE) --no-print-directory host EXTRA="$(TEST_PACKAGES) $(BENCH_PACKAGES)"

$(BIN)/pip:
	$(PYTHON) -m venv --upgrade-deps .venv

.venv-checkov/$(CHECKOV):
	$(PYTHON) -m venv --clear .venv-checkov
	.venv-checkov/bin/pip install -q checkov==$(CHECKOV)
	@touch $@

.venv/demo: $(BIN)/pip pyproject.toml requirements.lock
	$(BIN)/pip install -q -c requirements.lock -e .
	@touch $@

.venv/test: $(BIN)/pip pyproject.toml requirements.lock
	$(BIN)/pip install -q -c requirements.lock -e '.[test]'
	@touch $@ .venv/demo

# Everything that is done with the project, one line each: the environment that the target needs
# (`localstack/bootstrap.py`, which costs nothing where it is up to date), then the tool that does it.
#
#   PORT=4666 make up                              a second store beside the first
#   make logs F=PaymentSteps STEP=ChargePayment    what one step of the saga printed

export PORT ?= 4566
# Keep compiled modules, whatever the shell says: each command would take seconds to compile them.
export PYTHONDONTWRITEBYTECODE :=
PYTHON ?= python3
LOCAL_CLOUD := cli engine dynamodb runtime functions

bootstrap = $(PYTHON) localstack/bootstrap.py
local = @$(bootstrap) $(LOCAL_CLOUD) && .local/envs/cli/bin/sagashop-local
sagashop = @$(bootstrap) $(LOCAL_CLOUD) && .local/envs/cli/bin/sagashop
dev = @$(bootstrap) dev && .venv/bin

.DEFAULT_GOAL := help
.PHONY: help up down status logs deploy watch reset audit demo bench screenshots \
	check lint format types template test test-full clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  ./sagashop --help  The tools for operators: trace, stats, redrive, chaos, mail and more'

up: ## Start the store on this machine, or bring a running one up to date
	$(local) up

down: ## Stop the store; orders and stock are kept
	$(local) down

status: ## Show whether the store runs, and its addresses
	$(local) status

logs: ## Follow what the functions print: all, or F=PaymentSteps, or STEP=ChargePayment
	$(sagashop) logs --follow $(F) $${STEP:+--step "$$STEP"}

watch: ## Bring every saved file into the running store
	$(local) watch

deploy: ## Bring code, resources and storefront of the running store up to date
	$(local) deploy

demo: ## Play the saga's scenarios and show what happened
	$(sagashop) demo

audit: ## Check that no money and no unit is missing
	$(sagashop) audit

# One worker has the store, the other runs what needs none.
pytest = $(bootstrap) dev $(LOCAL_CLOUD) && .venv/bin/pytest $(or $(T),-n 2)

test: ## Run the tests, on a store of their own
	@$(pytest)

test-full: ## Run every test: the whole fault matrix, every model, every kill
	@$(pytest) -m "full or not full"

check: lint types template test ## Run what CI runs: lint, types, template, test

lint:
	$(dev)/ruff check && .venv/bin/ruff format --check

types:
	@$(bootstrap) dev engine
	@.venv/bin/mypy functions localstack/launcher ops
	@.venv/bin/mypy --python-executable .local/envs/engine/bin/python localstack/embedded/localstack_embedded

template:
	@$(bootstrap) sam && .local/envs/sam/bin/sam validate --region us-east-1

format: ## Fix style and format
	$(dev)/ruff check --fix-only && .venv/bin/ruff format

bench: ## Measure a new store, and print each figure beside its target
	$(sagashop) bench

screenshots: ## Take the screenshots of the docs, on a store of their own or on SAGASHOP_STACK
	@mkdir -p docs/screenshots
	@$(bootstrap) dev $(LOCAL_CLOUD) && SCREENSHOTS=docs/screenshots \
		.venv/bin/pytest -q -m full tests/e2e/test_screenshots.py

reset: ## Delete every order and restore the seeded stock
	$(local) reset

clean: down ## Stop the store and delete everything that make built, orders included
	@rm -rf .local .venv .aws-sam

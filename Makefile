# Everything that is done with the project, one line each: the environment that the target needs
# (`localstack/bootstrap.py`, which costs nothing where it is up to date), then the tool that does it.
#
#   PORT=4666 make up          a second store beside the first
#   make logs F=ReserveStock   what one function printed
#
# An operator's text comes as a variable (WHY="the provider is back"). Recipes read it from the
# environment, where nothing in it is taken for a command.

export PORT ?= 4566
# Compiled modules are kept whatever the shell says: compiling them anew costs seconds a command.
export PYTHONDONTWRITEBYTECODE :=
PYTHON ?= python3
LOCAL_CLOUD := cli engine dynamodb runtime functions

bootstrap = $(PYTHON) localstack/bootstrap.py
local = @$(bootstrap) $(LOCAL_CLOUD) && .local/envs/cli/bin/sagashop-local
sagashop = @$(bootstrap) $(LOCAL_CLOUD) && .local/envs/cli/bin/sagashop
dev = @$(bootstrap) dev && .venv/bin

.DEFAULT_GOAL := help
.PHONY: help up down status logs deploy watch seed reset audit demo bench \
	stats trace parked redrive allow-refund dlq dlq-read dlq-redrive dlq-drop replay sweep mail \
	chaos off secret operations check lint format types template test test-full clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Start the store on this machine, or bring a running one up to date
	$(local) up

down: ## Stop the store; orders and stock are kept
	$(local) down

status: ## Say whether the store runs, and where
	$(local) status

logs: ## Follow what the functions print, or one of them: F=ReserveStock
	$(sagashop) logs --follow $(F)

deploy: ## Bring code, resources and storefront of the running store up to date
	$(local) deploy

watch: ## Carry every saved file into the running store
	$(local) watch

seed: ## Put missing products on the shelves
	$(local) seed

reset: ## Forget every order and fill the shelves again
	$(local) reset

audit: ## Check that no money and no unit went missing
	$(sagashop) audit

demo: ## Play the scenarios against the running store and tell what happened
	$(sagashop) demo

bench: ## Measure a store of its own, and print each figure beside its target
	$(sagashop) bench

stats: ## Print the store's figures: orders, executions, steps, dead letters, mails
	$(sagashop) stats

trace: ## Tell one order's whole story: ORDER=ord_…
	$(sagashop) trace "$$ORDER"

mail: ## Show what was sent, to whom; one order's with ORDER=ord_…
	$(sagashop) mail $${ORDER:+--order "$$ORDER"}

parked: ## List the orders that need attention, with what is owed
	$(sagashop) parked

redrive: ## Resume a parked or dead order where it stood: ORDER=ord_… WHY="…"
	$(sagashop) redrive "$$ORDER" --why "$$WHY"

allow-refund: ## Mend the simulated provider for a tok_refund_fails order: ORDER=ord_…
	$(sagashop) allow-refund "$$ORDER" --why "$$WHY"

dlq: ## List the dead-letter queues, with depth and age
	$(sagashop) dlq list

dlq-read: ## Show the dead letters of a queue, and why they died: Q=Notification
	$(sagashop) dlq read "$$Q"

dlq-redrive: ## Do again what a queue's dead letters ask for: Q=… WHY="…", one with ID=…
	$(sagashop) dlq redrive "$$Q" $${ID:+--id "$$ID"} --why "$$WHY"

dlq-drop: ## Delete one dead letter, or ID=all: Q=… ID=… WHY="…"
	$(sagashop) dlq drop "$$Q" "$$ID" --why "$$WHY"

replay: ## Send events again: TO=SendNotification, then ORDER=ord_… or SINCE=90m
	$(sagashop) replay "$$TO" --order "$$ORDER" --since "$$SINCE" --why "$$WHY"

sweep: ## Look now for what was left behind, and mend it; at rest for GRACE=0 seconds
	$(sagashop) sweep $${GRACE:+--grace "$$GRACE"}

# `make chaos payment.failure_rate=0.1`: to make that is a variable, whose name holds a dot.
injected = $(foreach setting,$(MAKEOVERRIDES),$(if $(findstring .,$(firstword $(subst =, ,$(setting)))),$(setting)))

chaos: ## Show injected failures; change them: payment.failure_rate=0.1; or: make chaos off
	$(sagashop) chaos $(filter off,$(MAKECMDGOALS)) $(injected)

off:
	@:

secret: ## Print the operator's secret
	$(sagashop) secret

operations: ## List what operators did: who, what, why, when
	$(sagashop) operations

check: lint types template test ## Do all that CI does

lint: ## Check style and format
	$(dev)/ruff check && .venv/bin/ruff format --check

format: ## Mend style and format where that can be done
	$(dev)/ruff check --fix-only && .venv/bin/ruff format

types: ## Check the types, our plug-ins' against LocalStack's own
	@$(bootstrap) dev engine
	@.venv/bin/mypy functions localstack/launcher/sagashop_local ops/sagashop_ops
	@.venv/bin/mypy --python-executable .local/envs/engine/bin/python localstack/embedded/localstack_embedded

template: ## Check template.yaml as CloudFormation and SAM would
	@$(bootstrap) sam && .local/envs/sam/bin/sam validate --region us-east-1

test: ## Run every test; a store of their own is started and stopped
	@$(bootstrap) dev $(LOCAL_CLOUD) && .venv/bin/pytest $(T)

test-full: ## Run every test in full: the whole fault matrix, every model, every kill
	@$(bootstrap) dev $(LOCAL_CLOUD) && .venv/bin/pytest -m "full or not full" $(T)

clean: down ## Stop the store and delete all that make built, orders included
	@rm -rf .local .venv .aws-sam

# Everything that is done with the project, one line each: the environment that the target needs
# (`localstack/bootstrap.py`, which costs nothing where it is up to date), then the tool that does it.
#
#   PORT=4666 make up          a second store beside the first
#   make logs F=ReserveStock   what one function printed

export PORT ?= 4566
# Compiled modules are kept whatever the shell says: compiling them anew costs seconds a command.
export PYTHONDONTWRITEBYTECODE :=
PYTHON ?= python3
LOCAL_CLOUD := cli engine dynamodb runtime functions

bootstrap = $(PYTHON) localstack/bootstrap.py
sagashop = @$(bootstrap) $(LOCAL_CLOUD) && .local/envs/cli/bin/sagashop
dev = @$(bootstrap) dev && .venv/bin

.DEFAULT_GOAL := help
.PHONY: help up down status logs deploy watch seed reset audit demo bench \
	check lint format types template test clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Start the store on this machine, or bring a running one up to date
	$(sagashop) up

down: ## Stop the store; orders and stock are kept
	$(sagashop) down

status: ## Say whether the store runs, and where
	$(sagashop) status

logs: ## Follow what the functions print, or one of them: F=ReserveStock
	$(sagashop) logs --follow $(F)

deploy: ## Bring code, resources and storefront of the running store up to date
	$(sagashop) deploy

watch: ## Carry every saved file into the running store
	$(sagashop) watch

seed: ## Put missing products on the shelves
	$(sagashop) seed

reset: ## Forget every order and fill the shelves again
	$(sagashop) reset

audit: ## Check that no money and no unit went missing
	$(sagashop) audit

demo: ## Play the scenarios against the running store and tell what happened
	$(sagashop) demo

bench: ## Measure a store of its own, and print each figure beside its target
	$(sagashop) bench

check: lint types template test ## Do all that CI does

lint: ## Check style and format
	$(dev)/ruff check && .venv/bin/ruff format --check

format: ## Mend style and format where that can be done
	$(dev)/ruff check --fix-only && .venv/bin/ruff format

types: ## Check the types, our plug-ins' against LocalStack's own
	@$(bootstrap) dev engine
	@.venv/bin/mypy functions localstack/cli/sagashop_cli
	@.venv/bin/mypy --python-executable .local/envs/engine/bin/python localstack/embedded/localstack_embedded

template: ## Check template.yaml as CloudFormation and SAM would
	@$(bootstrap) sam && .local/envs/sam/bin/sam validate --region us-east-1

test: ## Run every test; a store of their own is started and stopped
	@$(bootstrap) dev $(LOCAL_CLOUD) && .venv/bin/pytest $(T)

clean: down ## Stop the store and delete all that make built, orders included
	@rm -rf .local .venv .aws-sam

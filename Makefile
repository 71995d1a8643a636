# The menu. Nothing lives only in continuous integration.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test build release unit e2e format lint tsan asan bench bench-counts bench-cql cql-faults cql-secure fuzz autobahn cassandra outage services-start services-stop reset ci clean

# make unit FILTER=HubTests; make e2e E2E="-k restart" RELEASE=1; make run RELEASE=1 PORT=9000
FILTER ?=
E2E ?=
CASES ?=
RELEASE ?=
TLS ?=
CQL ?=

help: ## Show this menu
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install what is missing, start services, serve with demo data (RELEASE=1, PORT=8080, CQL=1)
	@RELEASE='$(RELEASE)' CQL='$(CQL)' exec scripts/run.sh

test: ## Everything: style, unit, integration and end-to-end tests on real servers
	@FILTER='$(FILTER)' E2E='$(E2E)' RELEASE='$(RELEASE)' exec scripts/test.sh all

build: ## Debug build
	@scripts/build.sh debug

release: ## Release build
	@scripts/build.sh release

unit: ## Swift tests on real servers (FILTER=SuiteName)
	@FILTER='$(FILTER)' exec scripts/test.sh unit

e2e: ## End-to-end tests of the binary (E2E="-k restart", TLS=1, CQL=1, RELEASE=1, TIMINGLE_BINARY=path)
	@TLS='$(TLS)' CQL='$(CQL)' E2E='$(E2E)' RELEASE='$(RELEASE)' exec scripts/test.sh e2e

format: ## Format all Swift files
	swift format --in-place --parallel --recursive Sources Tests Benchmarks Fuzz Package.swift

lint: ## Check the style
	@scripts/lint.sh

tsan: ## Swift tests under the thread sanitizer
	@SANITIZE=thread FILTER='$(FILTER)' exec scripts/test.sh unit

asan: ## Swift tests under the address sanitizer (LEAKS=1: and what is never given back)
	@SANITIZE=address FILTER='$(FILTER)' exec scripts/test.sh unit

bench: ## The listener beside a bare hub in C and rivals (REPS=1 DUR=1 for a glance, CHECK=1, SCENARIOS=, RIVALS=none)
	@REPS='$(REPS)' DUR='$(DUR)' SCENARIOS='$(SCENARIOS)' RIVALS='$(RIVALS)' CHECK='$(CHECK)' exec scripts/bench.sh table

bench-counts: ## System calls, allocations and instructions per unit of work
	@DUR='$(DUR)' exec scripts/bench.sh counts

bench-cql: ## The CQL client beside the DataStax Python driver on one Cassandra node (REPS=3 COUNT=20000, CHECK=1)
	@REPS='$(REPS)' COUNT='$(COUNT)' CHECK='$(CHECK)' exec scripts/bench-cql.sh

cql-faults: ## The CQL client while nodes of three are killed and paused: ten minutes, 2.5 GB
	@FILTER='$(FILTER)' exec scripts/cql-faults.sh

cql-secure: ## The server with a Cassandra that speaks TLS alone and wants a password
	@E2E='$(E2E)' RELEASE='$(RELEASE)' exec scripts/test.sh secure

fuzz: ## Look for inputs that break the parsers (TARGET=HTTPBody, SECONDS=60 each)
	@SECONDS_EACH='$(or $(SECONDS),60)' exec scripts/fuzz.sh $(TARGET)

autobahn: ## All of Autobahn's WebSocket cases, half an hour; needs a Python 2.7 (CASES='1.*,12.1.*')
	@CASES='$(CASES)' exec scripts/autobahn.sh all

cassandra: ## Fetch Apache Cassandra by Maven, where ../shared/cassandra and TIMINGLE_CASSANDRA are missing
	@scripts/cassandra.sh fetch

outage: ## Kill Cassandra under traffic for a minute: nothing is lost, nothing is double (CQL_OUTAGE=60 seconds)
	@CQL=1 CQL_OUTAGE='$(or $(CQL_OUTAGE),60)' E2E='-k killed' RELEASE='$(RELEASE)' exec scripts/test.sh e2e

services-start: ## Start private PostgreSQL, Redis and nats-server, and print their URLs
	@scripts/services.sh start run
	@scripts/services.sh env run

services-stop: ## Stop them
	@scripts/services.sh stop run

reset: ## Stop the demo's services and throw their data away
	@scripts/services.sh reset run
	@scripts/cassandra.sh reset run
	@rm -f .timingle/run/demo.json

ci: release test tsan asan ## What must pass before a change lands

clean: ## Remove build products (the demo's data stays: make reset)
	rm -rf .build

# `make` lists what there is to make. Needed are Go, Java and npm; infra/setup.sh looks for them, and gets what is
# missing on Debian and Ubuntu.
.DEFAULT_GOAL := help
.PHONY: help setup run token import later test sim mutants bench load verify lint validate build deploy clean-data clean

# How functions are built. The local stack's command is built the same way, so that the two share what is compiled.
export CGO_ENABLED ?= 0
LAMBDA := -tags=lambda.norpc -trimpath '-ldflags=-s -w'
LOCAL  := .build/local
RACE   := $(if $(shell command -v cc),-race)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## look for Go, Java and npm; get what is missing, as far as that goes
	@infra/setup.sh

# The command takes the recipe's place, so that a signal reaches it, and nothing else stays behind.
run: setup $(LOCAL) ## the whole centre on this machine, until Ctrl-C [JSON=file for the first statement, ONCE=1 to stop after it, CERTIFICATES=1 for Alipay's other mode]
	@exec $(LOCAL) run $(if $(ONCE),-once) $(if $(CERTIFICATES),-certificates) $(if $(JSON),-json '$(JSON)')

token: $(LOCAL) ## a token for the API of the running centre: ROLE=owner|viewer|operator|partner [ACCOUNT=..] [PARTNER=..]
	@$(LOCAL) token -role '$(or $(ROLE),owner)' $(if $(ACCOUNT),-account '$(ACCOUNT)') $(if $(PARTNER),-partner '$(PARTNER)')

import: $(LOCAL) ## your own usage onto the running centre's queue: FILE=bills.csv, FOCUS 1.0 to 1.2 [ACCOUNT=.. to bind new workspaces to]
	@$(if $(FILE),,$(error make import needs FILE=bills.csv))$(LOCAL) import $(if $(ACCOUNT),-account '$(ACCOUNT)') '$(FILE)'

later: $(LOCAL) ## let time pass on the running centre: BY=24h
	@$(LOCAL) forward -by '$(or $(BY),24h)'

.PHONY: $(LOCAL) # go build knows what is up to date
$(LOCAL):
	@infra/build.sh $@ $(LAMBDA)

test: setup ## all tests, against the real DynamoDB Local, with the race detector
	$(if $(RACE),,@echo 'There is no C compiler, so the race detector is left out (Debian: apt-get install gcc).')
	$(if $(RACE),CGO_ENABLED=1) go test $(RACE) -timeout 12m ./...

sim: ## the whole centre under every fault, from seeds: [SEEDS=20000] [FIRST=1] [WITHIN=3m], or SEED=n to see what happened in one
	GOGC=400 go test ./infra/sim -count=1 -timeout 60m -v -run '^(TestSimulation|TestLongHistories|TestEachFaultAtEachCall)$$' -operations 3200 -every \
	  -seeds $(or $(SEEDS),20000) -first $(or $(FIRST),1) $(if $(WITHIN),-within $(WITHIN)) $(if $(SEED),-seed $(SEED))

mutants: ## change the money's code in one place after the other, and see that its tests fail: [PACKAGES=shared/money] (half an hour for all)
	@nice infra/mutants/run.sh $(PACKAGES)

bench: setup ## what a bill costs, in capacity and time
	go run ./infra/bench $(if $(JSON),-json '$(JSON)')

load: setup ## steady load, and an audit at its end [MINUTES=1 RATE=50 ACCOUNTS=20 HTTP=5; faults: DUPLICATES=0.3 POISON=0.01 KILL=10s] [JSON=file]
	go run ./infra/load -minutes $(or $(MINUTES),1) -rate $(or $(RATE),50) $(if $(ACCOUNTS),-accounts $(ACCOUNTS)) $(if $(HTTP),-http $(HTTP)) \
	  $(if $(DUPLICATES),-duplicates $(DUPLICATES)) $(if $(POISON),-poison $(POISON)) $(if $(KILL),-kill $(KILL)) $(if $(JSON),-json '$(JSON)')

verify: ## replay the running centre's journals against their heads [ACCOUNT=..]
	@go run ./infra/audit verify $(if $(ACCOUNT),-account '$(ACCOUNT)')

lint: ## vet, staticcheck, formatting
	@infra/tools/lint.sh

validate: ## check template.yaml with AWS's validator
	@infra/validate/run.sh

build: ## the functions as they are deployed, for arm64, into .build/lambda
	@for f in functions/*/; do f=$$(basename $$f); echo "  $$f"; \
	  GOOS=linux GOARCH=arm64 go build $(LAMBDA) -buildvcs=false -o .build/lambda/$$f/bootstrap ./functions/$$f || exit 1; done

deploy: ## to AWS by SAM, which asks what it must know
	GOFLAGS="-tags=lambda.norpc -trimpath '-ldflags=-s -w'" sam build
	sam deploy --guided

clean-data: ## forget what the local centre keeps: accounts, queues, keys, logs
	rm -rf .local/data .local/logs .local/stack.json

clean: clean-data ## and what was built
	rm -rf .build .aws-sam

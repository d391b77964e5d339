"""Lambda's own figures: a warm call through the engine, and the cost of importing a function."""

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from sagashop_ops.aws import client_of
from sagashop_ops.bench.figures import Figure, percentile
from sagashop_ops.stack import PROJECT_ROOT, Stack

CALLERS = 8
SEQUENTIAL_CALLS = 300
CONCURRENT_SECONDS = 5.0
IMPORT_RUNS = 7

# The REST API's event for GET /inventory/health: the least that a deployed function does.
HEALTH_EVENT = {
    "resource": "/inventory/health",
    "path": "/inventory/health",
    "httpMethod": "GET",
    "headers": {},
    "multiValueHeaders": {},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {"resourcePath": "/inventory/health", "httpMethod": "GET", "stage": "bench"},
    "body": None,
    "isBase64Encoded": False,
}


def measure_invoke(stack: Stack, function_name: str) -> list[Figure]:
    """Times warm synchronous calls: one caller for the latency, then eight for the rate."""
    client = client_of(stack, "lambda", pool_size=CALLERS)
    payload = json.dumps(HEALTH_EVENT)

    def invoke() -> float:
        started = time.perf_counter()
        answer = client.invoke(FunctionName=function_name, Payload=payload)
        body = json.load(answer["Payload"])
        if "FunctionError" in answer or body["statusCode"] != 200:
            raise RuntimeError(f"{function_name} answered {body}")
        return time.perf_counter() - started

    for _ in range(20):
        invoke()
    latencies = [invoke() for _ in range(SEQUENTIAL_CALLS)]

    def call_until(deadline: float) -> int:
        calls = 0
        while time.perf_counter() < deadline:
            invoke()
            calls += 1
        return calls

    with ThreadPoolExecutor(CALLERS) as callers:
        # The first round starts the workers, the second one counts.
        for _ in range(2):
            started = time.perf_counter()
            calls = sum(callers.map(call_until, [started + CONCURRENT_SECONDS] * CALLERS))
            rate = calls / (time.perf_counter() - started)

    p50, p99 = (percentile(latencies, percent) * 1000 for percent in (50, 99))
    return [
        Figure(
            "warm Lambda invoke, p50 / p99",
            f"{p50:.1f} / {p99:.1f} ms",
            "<= 12 ms p50",
            p50 <= 12,
            samples=latencies,
        ),
        Figure(
            f"warm Lambda invokes, {CALLERS} callers",
            f"{rate:.0f}/s",
            ">= 100/s",
            rate >= 100,
            unit="calls/s",
            samples=[rate],
        ),
    ]


def measure_imports(stack: Stack, package: Path) -> Figure:
    """Compares importing each handler's module with creating boto3's DynamoDB client, both cold.

    The two alternate in one run, so that the ratio holds on a noisy machine; the heaviest counts.
    """
    pages = client_of(stack, "lambda").get_paginator("list_functions").paginate()
    environments = {
        function["Handler"].rpartition(".")[0]: function.get("Environment", {}).get("Variables", {})
        for page in pages
        for function in page["Functions"]
    }
    baseline = "import boto3; boto3.client('dynamodb')"
    ratios: dict[str, float] = {}
    for module, variables in environments.items():
        runs = [
            (
                _import_seconds(package, f"import {module}", variables),
                _import_seconds(package, baseline, variables),
            )
            for _ in range(IMPORT_RUNS)
        ]
        modules, baselines = zip(*runs, strict=True)
        ratios[module] = median(modules) / median(baselines)
    heaviest = max(ratios, key=lambda module: ratios[module])
    return Figure(
        f"import of the heaviest function ({heaviest}) over boto3's client",
        f"{ratios[heaviest]:.2f} x",
        "<= 1.4 x",
        ratios[heaviest] <= 1.4,
        unit="ratio",
        samples=list(ratios.values()),
    )


def _import_seconds(package: Path, statement: str, variables: dict[str, str]) -> float:
    code = f"import time; t = time.perf_counter()\n{statement}\nprint(time.perf_counter() - t)"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(package),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        **variables,
    }
    python = PROJECT_ROOT / ".local/envs/runtime/bin/python"
    result = subprocess.run(
        [python, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return float(result.stdout.split()[-1])

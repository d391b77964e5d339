"""Lambda's own figures: a warm call through the engine, and what importing a function costs."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sagashop_ops.bench.figures import Figure, median, percentile

CALLERS = 8
SEQUENTIAL_CALLS = 300
CONCURRENT_SECONDS = 5.0
IMPORT_RUNS = 7

# The REST API's event for GET /inventory/health: the least that a deployed function does.
HEALTH_EVENT: dict[str, Any] = {
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


def measure_invoke(lambda_client: Any, function_name: str) -> list[Figure]:
    """Times warm synchronous calls: one caller for the latency, then eight for the rate."""
    payload = json.dumps(HEALTH_EVENT)

    def invoke() -> float:
        started = time.perf_counter()
        answer = lambda_client.invoke(FunctionName=function_name, Payload=payload)
        body = json.loads(answer["Payload"].read())
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
        # Once for the workers to start, once to count.
        for _ in range(2):
            started = time.perf_counter()
            deadline = started + CONCURRENT_SECONDS
            calls = sum(callers.map(call_until, [deadline] * CALLERS))
            rate = calls / (time.perf_counter() - started)

    p50 = percentile(latencies, 50) * 1000
    return [
        Figure(
            "warm Lambda invoke, p50 / p99",
            f"{p50:.1f} / {percentile(latencies, 99) * 1000:.1f} ms",
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


def measure_imports(
    worker_python: Path, package: Path, functions: Mapping[str, Mapping[str, str]]
) -> Figure:
    """Compares importing each handler's module with creating boto3's DynamoDB client, both cold.

    `functions` maps a handler such as `order.api.handler` to its function's environment variables.
    The two alternate in one run, so that the ratio holds on a noisy machine; the heaviest counts.
    """
    baseline = "import boto3; boto3.client('dynamodb')"
    ratios: dict[str, float] = {}
    samples: list[float] = []
    environments = {
        handler.rpartition(".")[0]: variables for handler, variables in functions.items()
    }
    for module, variables in sorted(environments.items()):
        pairs = [
            (
                _import_seconds(worker_python, package, f"import {module}", variables),
                _import_seconds(worker_python, package, baseline, variables),
            )
            for _ in range(IMPORT_RUNS)
        ]
        ratios[module] = median([one for one, _ in pairs]) / median([base for _, base in pairs])
        samples.append(ratios[module])
    heaviest = max(ratios, key=lambda module: ratios[module])
    return Figure(
        f"import of the heaviest function ({heaviest}) over boto3's client",
        f"{ratios[heaviest]:.2f} x",
        "<= 1.4 x",
        ratios[heaviest] <= 1.4,
        unit="ratio",
        samples=samples,
    )


def _import_seconds(
    python: Path, package: Path, statement: str, variables: Mapping[str, str]
) -> float:
    code = f"import time; t = time.perf_counter()\n{statement}\nprint(time.perf_counter() - t)"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(package),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        **variables,
    }
    result = subprocess.run(
        [python, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return float(result.stdout.split()[-1])

"""How LocalStack's engine is started: its command and its environment, each setting explained.

Nothing here imports LocalStack, so that a launcher in another environment can use it.
"""

import os
from pathlib import Path
from typing import Literal

DynamoDbEngine = Literal["embedded", "localstack"]

# The services that a deployment of the store uses, in the order of their use.
_SERVICES = (
    "cloudformation,s3,sts,iam,dynamodb,dynamodbstreams,sqs,logs,lambda,events,stepfunctions,"
    "apigateway,apigatewayv2,secretsmanager,ssm,ses,cloudwatch"
)

_LOG_LEVELS = (
    # One line per request buries the lines that matter.
    "localstack.request=WARNING",
    # One per event that no rule matches.
    "localstack.services.events.provider=WARNING",
    # How long each service took to load, and which engine CloudFormation uses.
    "localstack.utils.bootstrap=WARNING",
    "localstack.services.cloudformation.v2.provider=WARNING",
    # One per failed step, which is normal in a saga; the execution's history has it.
    "localstack.services.stepfunctions.asl.component.eval_component=CRITICAL",
    # One per deployment, about features of SAM that AWS has not enabled yet.
    "samtranslator.feature_toggle=ERROR",
    # One per deployment, about usage metrics of SAM that nobody receives.
    "samtranslator.metrics.metrics=ERROR",
    # One per secret and rule, about fields of its own answers.
    "localstack.aws.protocol.serializer=ERROR",
    # LocalStack takes TMPDIR, which Python reads, for an old setting of its own.
    "localstack.deprecations=ERROR",
)


def engine_command(python: Path) -> list[str]:
    """The command that runs the engine in the foreground until SIGTERM.

    `python` is the interpreter of an environment with LocalStack and this package.
    """
    # -P: the directory that the engine is started from must not become part of its import path
    # (a folder named `localstack` there would hide the package).
    return [str(python), "-P", "-m", "localstack.runtime.main"]


def engine_environment(
    *,
    port: int,
    state_dir: Path,
    worker_python: Path,
    dynamodb_url: str,
    dynamodb_engine: DynamoDbEngine = "embedded",
    worker_limit: int | None = None,
) -> dict[str, str]:
    """The engine's whole environment: nothing is inherited from the caller's.

    Args:
        port: where the engine listens, on 127.0.0.1 only.
        state_dir: the store's directory. The engine writes below `state_dir/engine` and nowhere
            else, for which the folder TMPDIR must exist.
        worker_python: the interpreter that runs Lambda functions.
        dynamodb_url: the DynamoDB server's URL, unused unless `dynamodb_engine` is "embedded".
        dynamodb_engine: "embedded", or "localstack" for LocalStack's own server (Amazon's DynamoDB
            Local, which LocalStack downloads, with a Java runtime, at first use).
        worker_limit: the most Lambda workers at a time, or None for the executor's default.
    """
    home = (state_dir / "engine").resolve()
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # LocalStack's own directories (cache, state, logs) go below this root, and what its parts
        # write to the temporary or home directory (S3 objects, Lambda archives) beside them.
        "FILESYSTEM_ROOT": str(home),
        "TMPDIR": str(home / "tmp"),
        "HOME": str(home),
        # In a container, LocalStack lays out its directories differently and listens on all
        # interfaces; here it is a host process even if the host is a container.
        "OVERRIDE_IN_DOCKER": "0",
        # botocore must not look for credentials beyond the ones that LocalStack sets itself.
        "AWS_EC2_METADATA_DISABLED": "true",
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        # The stock server listens on all interfaces whatever GATEWAY_LISTEN says.
        "GATEWAY_SERVER": "loopback",
        # The host in the URLs that the engine returns. Browsers and curl resolve *.localhost to
        # loopback, so http://<bucket>.s3-website.localhost:<port>/ needs no DNS server.
        "LOCALSTACK_HOST": f"localhost:{port}",
        "DNS_ADDRESS": "0",
        # Usage reports to LocalStack's maker.
        "DISABLE_EVENTS": "1",
        # The certificate for localhost.localstack.cloud; a self-signed one takes its place.
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        # A report to CloudWatch per queue and minute, which nobody here reads.
        "SQS_DISABLE_CLOUDWATCH_METRICS": "1",
        "LOG_LEVEL_OVERRIDES": ",".join(_LOG_LEVELS),
        # Loaded while the launcher prepares the deployment: loading all of them first would take
        # three seconds instead of one.
        "PRELOAD_SERVICES": _SERVICES,
        # Parses a definition once, and evaluates JSONata without Java.
        "PROVIDER_OVERRIDE_STEPFUNCTIONS": "embedded",
        # WebSocket APIs, which LocalStack lacks.
        "PROVIDER_OVERRIDE_APIGATEWAYV2": "embedded",
        # Saves half a second of imports.
        "PROVIDER_OVERRIDE_SSM": "embedded",
        # One service calls another through the engine's handlers, without HTTP: a third less work
        # for each task of a state machine.
        "IN_MEMORY_CLIENT": "1",
        # The pause, in seconds, between two requests of an event source mapping. Each request waits
        # for a message or record, so an event's only delay is this pause.
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.02",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "LAMBDA_WORKER_PYTHON": str(worker_python),
    }
    if worker_limit is not None:
        environment["LAMBDA_WORKER_LIMIT"] = str(worker_limit)
    if dynamodb_engine == "embedded":
        environment |= {
            "PROVIDER_OVERRIDE_DYNAMODB": "embedded",
            "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "embedded",
            "DYNAMODB_SERVER_URL": dynamodb_url,
            # Functions call the server directly: a fifth of the time that the engine would take.
            "LAMBDA_WORKER_ENDPOINT_URL_DYNAMODB": dynamodb_url,
        }
    return environment

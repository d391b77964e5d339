"""What the patches of LocalStack change, checked in an interpreter that has LocalStack.

    engine/bin/python -P engine_checks.py

prints, as JSON, the patches and how each test ended: null, or a traceback. test_patches.py runs it,
because that interpreter has no pytest.
"""

import inspect
import json
import logging
import sys
import time
import traceback
from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

import boto3
from localstack import config
from localstack.aws.api import RequestContext
from localstack.aws.connect import ClientFactory
from localstack.aws.handlers import service as service_handlers
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    BadRequestBodyError,
    MissingAuthTokenError,
    ThrottledError,
)
from localstack.services.apigateway.next_gen.execute_api.handlers.gateway_exception import (
    GatewayExceptionHandler,
)
from localstack.services.apigateway.next_gen.execute_api.handlers.method_request import (
    MethodRequestHandler,
)
from localstack.services.apigateway.resource_providers.aws_apigateway_restapi import (
    ApiGatewayRestApiProvider,
)
from localstack.services.apigateway.resource_providers.aws_apigateway_stage import (
    ApiGatewayStageProvider,
)
from localstack.services.cloudformation.engine.v2.change_set_model_executor import (
    ChangeSetModelExecutor,
)
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import (
    PreprocProperties,
    PreprocResource,
)
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProviderExecutor,
    ResourceRequest,
)
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller
from localstack.services.lambda_.invocation import logs, version_manager
from localstack.services.lambda_.invocation.logs import QUEUE_SHUTDOWN, LogHandler, LogItem
from localstack.services.ses.resource_providers.aws_ses_emailidentity import (
    SESEmailIdentityProvider,
)
from rolo import Request, Response
from werkzeug.datastructures import Headers

from localstack_embedded import hooks
from localstack_embedded.lambda_runtime import executor, telemetry  # noqa: F401
from localstack_embedded.light_imports import hollow
from localstack_embedded.patches import REGISTER, jsonata
from localstack_embedded.patches.throttling import MethodThrottle

with hollow("moto.batch"):
    from localstack.services.stepfunctions.asl.parse.asl_parser import AmazonStateLanguageParser
    from localstack.services.stepfunctions.backend.execution import Execution
    from localstack.services.stepfunctions.provider import StepFunctionsProvider

    from localstack_embedded.patches import state_machines  # noqa: F401

ROLE = "arn:aws:iam::000000000000:role/test"
AWKWARD = 'a "quoted"\n line \\ with é and 😀'


def a_request(desired: dict[str, Any], previous: dict[str, Any] | None = None) -> Any:
    """A resource provider's request, whose clients record what they are asked."""
    clients = MagicMock()
    clients.apigateway.create_rest_api.return_value = {"id": "api"}
    return MagicMock(
        spec=ResourceRequest,
        aws_client_factory=clients,
        desired_state=desired,
        previous_state=previous,
        custom_context={},
        stack_name="stack",
        logical_resource_id="Resource",
    )


class StateMachines:
    """LocalStack's Step Functions, called without a server."""

    def __init__(self) -> None:
        Execution.publish_execution_status_change_event = MagicMock()  # type: ignore[method-assign]
        self._provider = StepFunctionsProvider()
        self._context = RequestContext(Request())
        self._context.account_id = "000000000000"
        self._context.region = "us-east-1"
        self._context.request_id = "test"
        self._context.partition = "aws"
        self._machines = 0

    def create(self, states: dict[str, Any]) -> str:
        """Creates a machine that starts with the first of its states; returns its ARN."""
        self._machines += 1
        definition = {"StartAt": next(iter(states)), "States": states}
        created = self._provider.create_state_machine(
            self._context,
            {
                "name": f"machine-{self._machines}",
                "definition": json.dumps(definition),
                "roleArn": ROLE,
            },
        )
        return created["stateMachineArn"]

    def execute(self, machine: str, given: Any) -> dict[str, Any]:
        """Runs an execution to its end; returns its description."""
        started = self._provider.start_execution(self._context, machine, input=json.dumps(given))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            execution = self._provider.describe_execution(self._context, started["executionArn"])
            if execution["status"] != "RUNNING":
                return dict(execution)
            time.sleep(0.01)
        raise TimeoutError("the execution does not end")

    def run(self, states: dict[str, Any], given: Any) -> dict[str, Any]:
        """Creates a machine and executes it once."""
        return self.execute(self.create(states), given)

    def output(self, expression: Any, given: Any = None) -> Any:
        """Returns what a state that evaluates JSONata puts out."""
        state = {"QueryLanguage": "JSONata", "Type": "Pass", "Output": expression, "End": True}
        ended = self.run({"Evaluate": state}, given)
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def test_state(self, state: dict[str, Any], **variables: Any) -> dict[str, Any]:
        return dict(
            self._provider.test_state(
                self._context,
                {
                    "definition": json.dumps(state),
                    "roleArn": ROLE,
                    "input": "{}",
                    "inspectionLevel": "DEBUG",
                    "variables": json.dumps(variables),
                },
            )
        )


machines = StateMachines()


def test_a_role_is_assumed_once() -> None:
    factory = MagicMock(spec=ClientFactory)
    sts = factory.return_value.sts.request_metadata.return_value
    role = {"role_arn": ROLE, "service_principal": "states", "region_name": "us-east-1"}

    first = ClientFactory.with_assumed_role(factory, **role)
    second = ClientFactory.with_assumed_role(factory, **role)

    assert first is second
    assert sts.assume_role.call_count == 1


def a_poller() -> Any:
    poller = MagicMock(spec=SqsPoller, queue_url="queue", batch_size=1, maximum_batching_window=0)
    poller.source_client = MagicMock()
    poller.source_client.receive_message.return_value = {}
    poller.source_arn = "arn"
    return poller


def test_clients_share_a_parser() -> None:
    models = [boto3.client("lambda", region_name="us-east-1").meta.service_model for _ in range(2)]

    first, second = (service_handlers.create_parser(model, None) for model in models)

    assert first is second


def test_a_mapping_waits_for_messages() -> None:
    poller = a_poller()

    SqsPoller._register_client_hooks(poller)

    params = {"WaitTimeSeconds": 0}
    for call in poller.source_client.meta.events.register.call_args_list:
        if call.args[0] == "provide-client-params.sqs.ReceiveMessage":
            call.args[1](params=params, context={})
    assert params["WaitTimeSeconds"] > 0


def test_a_mapping_does_not_pause_after_an_empty_answer() -> None:
    SqsPoller.poll_events(a_poller())  # What makes it pause is an exception.


def test_a_stack_has_its_email_address_verified() -> None:
    request = a_request({"EmailIdentity": "ann@example.com"})

    event = SESEmailIdentityProvider().create(request)

    assert event.status == OperationStatus.SUCCESS
    request.aws_client_factory.ses.verify_email_identity.assert_called_once_with(
        EmailAddress="ann@example.com"
    )


def test_a_deleted_stack_has_its_email_address_deleted() -> None:
    request = a_request({"EmailIdentity": "ann@example.com"})

    event = SESEmailIdentityProvider().delete(request)

    assert event.status == OperationStatus.SUCCESS
    request.aws_client_factory.ses.delete_identity.assert_called_once_with(
        Identity="ann@example.com"
    )


GATEWAY_RESPONSES = {
    "x-amazon-apigateway-gateway-responses": {
        "DEFAULT_4XX": {"responseParameters": {"gatewayresponse.header.X-Test": "'yes'"}}
    }
}
PUT_RESPONSE = {
    "restApiId": "api",
    "responseType": "DEFAULT_4XX",
    "responseParameters": {"gatewayresponse.header.X-Test": "'yes'"},
    "responseTemplates": {},
}


def test_a_new_api_has_its_gateway_responses() -> None:
    request = a_request({"Name": "test", "Body": GATEWAY_RESPONSES})

    ApiGatewayRestApiProvider().create(request)

    gateway = request.aws_client_factory.apigateway
    gateway.put_gateway_response.assert_called_once_with(**PUT_RESPONSE)


def test_an_updated_api_has_its_new_definition() -> None:
    request = a_request({"Body": GATEWAY_RESPONSES}, previous={"RestApiId": "api", "Body": {}})

    ApiGatewayRestApiProvider().update(request)

    gateway = request.aws_client_factory.apigateway
    assert json.loads(gateway.put_rest_api.call_args.kwargs["body"]) == GATEWAY_RESPONSES
    gateway.put_gateway_response.assert_called_once_with(**PUT_RESPONSE)


def test_an_updated_stage_serves_the_new_deployment() -> None:
    before = {"RestApiId": "api", "StageName": "local", "DeploymentId": "old"}
    request = a_request({"DeploymentId": "new"}, previous=before)

    ApiGatewayStageProvider().update(request)

    (operation,) = request.aws_client_factory.apigateway.update_stage.call_args.kwargs[
        "patchOperations"
    ]
    assert (operation["path"], operation["value"]) == ("/deploymentId", "new")


LIMITS = {
    "ResourcePath": "/*",
    "HttpMethod": "*",
    "ThrottlingRateLimit": 5.0,
    "ThrottlingBurstLimit": 2,
}


def limits_put(request: Any) -> dict[str, str]:
    """The limits that a stage was given, by their paths."""
    operations = request.aws_client_factory.apigateway.update_stage.call_args.kwargs[
        "patchOperations"
    ]
    return {o["path"]: o["value"] for o in operations if "throttling" in o["path"]}


def test_a_new_stage_has_its_limits() -> None:
    stage = {"RestApiId": "api", "StageName": "local", "DeploymentId": "new"}
    request = a_request({**stage, "MethodSettings": [LIMITS]})
    request.aws_client_factory.apigateway.create_stage.return_value = {"stageName": "local"}

    ApiGatewayStageProvider().create(request)

    assert limits_put(request) == {
        "/*/*/throttling/rateLimit": "5.0",
        "/*/*/throttling/burstLimit": "2",
    }


def test_an_updated_stage_has_its_new_limits_and_no_old_ones() -> None:
    stage = {"RestApiId": "api", "StageName": "local", "DeploymentId": "new"}
    request = a_request(
        {"DeploymentId": "new", "MethodSettings": [LIMITS]},
        previous={**stage, "MethodSettings": [LIMITS | {"ResourcePath": "/orders"}]},
    )

    ApiGatewayStageProvider().update(request)

    assert limits_put(request) == {
        "/~1orders/*/throttling/rateLimit": "5.0",
        "/~1orders/*/throttling/burstLimit": "2",
        "/*/*/throttling/rateLimit": "5.0",
        "/*/*/throttling/burstLimit": "2",
    }


def test_a_request_above_its_methods_limit_is_refused() -> None:
    settings = {"*/*": {"throttlingRateLimit": 0.001, "throttlingBurstLimit": 2}}
    throttle = MethodThrottle()

    def passes(path: str) -> bool:
        context = MagicMock(
            api_id="api",
            stage="local",
            stage_configuration={"methodSettings": settings},
            resource={"path": path},
            request=SimpleNamespace(method="GET"),
        )
        try:
            throttle(MagicMock(), context, Response())
        except ThrottledError:
            return False
        return True

    assert [passes("/orders") for _ in range(3)] == [True, True, False]
    assert passes("/products")


def test_a_model_refuses_what_is_no_json_and_only_what_claims_to_be() -> None:
    model = {"name": "object", "schema": '{"type": "object"}'}
    api = SimpleNamespace(
        validators={"body": {"validateRequestBody": True}},
        models={"object": model},
        resolved_models={},
    )
    method = {"requestValidatorId": "body", "requestModels": {"application/json": "object"}}

    def passes(body: bytes, content_type: str | None) -> bool:
        headers = Headers({} if content_type is None else {"Content-Type": content_type})
        request: Any = {"headers": headers, "body": body}
        try:
            MethodRequestHandler().validate_request(method, api, request)  # type: ignore[arg-type]
        except BadRequestBodyError:
            return False
        return True

    for declared in (None, "application/json", "Application/JSON; charset=utf-8"):
        assert passes(b'{"a": 1}', declared)
        for body in (b"[]", b"{", b'"\xff"', b"[" * 100_000):
            assert not passes(body, declared), body[:9]
    for other in ("application/xml", "text/plain"):
        assert passes(b"<order/>", other)


def test_a_gateway_response_has_its_headers_and_body() -> None:
    configured = {
        "responseParameters": {"gatewayresponse.header.X-Test": "'yes'"},
        "responseTemplates": {"application/json": '{"detail": $context.error.messageString}'},
    }
    deployment = SimpleNamespace(
        rest_api=SimpleNamespace(gateway_responses={"MISSING_AUTHENTICATION_TOKEN": configured})
    )

    response: Response = GatewayExceptionHandler().create_exception_response(
        MissingAuthTokenError(), MagicMock(deployment=deployment)
    )

    assert response.headers["X-Test"] == "yes"
    assert json.loads(response.data) == {"detail": MissingAuthTokenError().message}


def test_a_resource_is_replaced_only_for_a_new_value() -> None:
    def a_log_group(name: str) -> PreprocResource:
        return PreprocResource(
            logical_id="Logs",
            physical_resource_id="logs",
            condition=None,
            resource_type="AWS::Logs::LogGroup",
            properties=PreprocProperties(properties={"LogGroupName": name}),
            depends_on=None,
            requires_replacement=True,
            status=None,
        )

    def actions(before: str, after: str) -> list[str]:
        executor_ = MagicMock(spec=ChangeSetModelExecutor)
        ChangeSetModelExecutor._execute_resource_change(
            executor_, "Logs", a_log_group(before), a_log_group(after)
        )
        return [call.kwargs["action"] for call in executor_._execute_resource_action.call_args_list]

    assert actions("same", "same") == ["Modify"]
    assert actions("old", "new") == ["Add"]


def a_payload(action: str) -> dict[str, Any]:
    return {
        "awsAccountId": "000000000000",
        "callbackContext": {},
        "stackId": "stack",
        "requestData": {
            "logicalResourceId": "Resource",
            "resourceProperties": {"Name": "new"},
            "previousResourceProperties": {"Name": "old"},
            "callerCredentials": {
                "accessKeyId": "test",
                "secretAccessKey": "test",
                "sessionToken": "test",
            },
        },
        "resourceType": "AWS::Test::Resource",
        "region_name": "us-east-1",
        "bearerToken": "token",
        "region": "us-east-1",
        "action": action,
    }


def test_a_failed_update_says_why() -> None:
    provider = MagicMock()
    provider.update.side_effect = ValueError("the reason")

    event = ResourceProviderExecutor(stack_name="stack", stack_id="id").execute_action(
        provider, a_payload("Modify")
    )

    assert event.message == "the reason"


def test_a_resource_is_polled_often() -> None:
    waiting = ProgressEvent(OperationStatus.IN_PROGRESS, resource_model={}, custom_context={})
    provider = MagicMock(SCHEMA={"primaryIdentifier": ["/properties/Name"]})
    ready = ProgressEvent(OperationStatus.SUCCESS, resource_model={"Name": "new"})
    provider.create.side_effect = [*[waiting] * 10, ready]
    started = time.monotonic()

    with patch.object(config, "CFN_NO_WAIT_ITERATIONS", 5):
        event = ResourceProviderExecutor(stack_name="stack", stack_id="id").deploy_loop(
            provider, {}, a_payload("Add")
        )

    assert event.status == OperationStatus.SUCCESS
    assert time.monotonic() - started < 1


def shipped_logs(*texts: str) -> list[dict[str, Any]]:
    """Logs the texts of calls; returns the requests that ship them."""
    handler = LogHandler(ROLE, "us-east-1")
    with patch.object(telemetry, "connect_to") as batched, patch.object(logs, "connect_to") as own:
        for text in texts:
            handler.add_logs(LogItem("group", "stream", text))
        handler.log_queue.put(QUEUE_SHUTDOWN)
        handler.run_log_loop()
    calls = [
        client.with_assumed_role.return_value.logs.put_log_events.call_args_list
        for client in (batched, own)
    ]
    return [call.kwargs for call in calls[0] + calls[1]]


def test_logs_are_shipped_in_batches() -> None:
    (request,) = shipped_logs("one\ntwo\n", "three\n")

    assert [event["message"] for event in request["logEvents"]] == ["one\n", "two\n", "three\n"]


def test_a_log_event_has_the_time_of_its_call() -> None:
    before = time.time() * 1000

    (request,) = shipped_logs("text")

    (event,) = request["logEvents"]
    assert before - 1 <= event["timestamp"] < before + 400


def test_metrics_are_shipped_in_batches() -> None:
    call = {"function_name": "f", "account_id": "000000000000", "region_name": "us-east-1"}
    with (
        patch.object(telemetry, "connect_to") as connect_to,
        patch.object(telemetry, "is_api_enabled", return_value=True),
    ):
        for record in (
            version_manager.record_cw_metric_invocation,
            version_manager.record_cw_metric_invocation,
            version_manager.record_cw_metric_error,
        ):
            record(**call)
        put = connect_to.return_value.cloudwatch.put_metric_data
        deadline = time.monotonic() + 10
        while not put.called and time.monotonic() < deadline:
            time.sleep(0.01)

    (request,) = put.call_args_list
    counts = {metric["MetricName"]: metric["Counts"] for metric in request.kwargs["MetricData"]}
    assert counts == {"Invocations": [3.0], "Errors": [1.0]}


def test_a_definition_is_parsed_once() -> None:
    machine = machines.create({"Only": {"Type": "Pass", "End": True}})

    with patch.object(
        AmazonStateLanguageParser, "parse", side_effect=AmazonStateLanguageParser.parse
    ) as parse:
        outputs = [machines.execute(machine, {"n": n})["output"] for n in range(3)]

    assert outputs == ['{"n":0}', '{"n":1}', '{"n":2}']
    assert parse.call_count == 1


def test_teststate_reports_assigned_variables() -> None:
    answer = machines.test_state(
        {"QueryLanguage": "JSONata", "Type": "Pass", "Assign": {"new": "{% $old + 1 %}"}}
        | {"End": True},
        old=1,
    )

    assert json.loads(answer["inspectionData"]["variables"]) == {"old": 1, "new": 2}


def test_jsonata_is_evaluated_without_java() -> None:
    given = {"lines": [{"n": 2, "each": 3}, {"n": 1, "each": 4}]}

    assert machines.output("{% $sum($states.input.lines.(n * each)) %}", given) == 10


def test_awss_functions_are_known() -> None:
    hashed = machines.output("{% $hash('input data', 'SHA-1') %}")

    assert hashed == "aaff4a450a104cd177d28d18d74485e8cae074b7"
    assert machines.output("{% $partition([1..5], 2) %}") == [[1, 2], [3, 4], [5]]


def test_a_variable_holds_any_text() -> None:
    # JSONPath with variables, and JSONata, in one machine
    first = {"Type": "Pass", "Assign": {"text.$": "$.text"}, "Next": "Second"}
    second = {"Type": "Pass", "Parameters": {"path.$": "$text"}, "Next": "Third"}
    third = {
        "QueryLanguage": "JSONata",
        "Type": "Pass",
        "Output": {"path": "{% $states.input.path %}", "jsonata": "{% $text %}"},
        "End": True,
    }

    ended = machines.run({"First": first, "Second": second, "Third": third}, {"text": AWKWARD})

    assert json.loads(ended["output"]) == {"path": AWKWARD, "jsonata": AWKWARD}
    assert machines.output("{% $states.input & '!' %}", AWKWARD) == AWKWARD + "!"


def test_a_failed_expression_has_awss_error() -> None:
    def fails_with(expression: str, cause: str) -> None:
        state = {"QueryLanguage": "JSONata", "Type": "Pass", "Output": expression, "End": True}
        for ended in (machines.run({"Fail": state}, {}), machines.test_state(state)):
            assert ended["error"] == "States.QueryEvaluationError", ended
            assert cause in ended["cause"], ended

    fails_with("{% $states.input.missing %}", "returned nothing (undefined)")
    fails_with("{% $sum %}", "returned an unsupported result type")
    fails_with("{% 'a' + 1 %}", "threw an error during evaluation. T2001: ")
    fails_with("{% 1 / 0 %}", "threw an error during evaluation. D1001: ")


def main() -> None:
    logging.disable(logging.CRITICAL)
    hooks.apply_patches()
    telemetry.start_publishing_metrics()
    jsonata.install("localstack.services.stepfunctions.asl")
    outcomes = {}
    for name, check in globals().copy().items():
        if name.startswith("test_"):
            try:
                check()
                outcomes[name] = None
            except Exception:
                outcomes[name] = traceback.format_exc()
    patches = [
        {
            "name": f"{applied.original.__module__}.{applied.original.__qualname__}",
            "source": applied.source,
            "present_source": sha256(inspect.getsource(applied.original).encode()).hexdigest()[:8],
            "test": applied.test,
            "reason": inspect.getdoc(applied.replacement),
        }
        for applied in REGISTER
    ]
    json.dump({"patches": patches, "checks": outcomes}, sys.stdout)


if __name__ == "__main__":
    main()

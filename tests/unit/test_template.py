"""Rules that the template keeps.

Nothing is lost, then: nobody may do more than is needed, and last: all of it fits together.
"""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from order.wiring import LimitSettings
from shared.http import SECURITY_HEADERS
from support.template import ROOT, resources, template

FUNCTIONS = resources("AWS::Serverless::Function")
QUEUES = resources("AWS::SQS::Queue")
RULES = resources("AWS::Events::Rule")
# The services that hold something for an order.
HOLDING = ("order", "inventory", "payment", "shipping")
# The services that say what happened; the other ones only listen.
SPEAKING = (*HOLDING, "account")
SERVICES = (*SPEAKING, "notification", "realtime")
CHAOS = {"Fn::If": ["IsSandbox", {"Ref": "ChaosParameter"}, ""]}
READS_KEYS = {"Ref": "ReadTokenKeysPolicy"}
READS_CHAOS = {"Fn::If": ["IsSandbox", {"Ref": "ReadChaosPolicy"}, {"Ref": "AWS::NoValue"}]}
ARMS_CHAOS = {"Fn::If": ["IsSandbox", {"Ref": "ArmFailuresPolicy"}, {"Ref": "AWS::NoValue"}]}
STEPS = ("OrderSteps", "InventorySteps", "PaymentSteps", "ShippingSteps")
# Actions that AWS cannot limit to a resource; see "Logging using CloudWatch Logs" in the Step
# Functions developer guide.
LOG_DELIVERY = re.compile(r"logs:\w*(LogDelivery|LogDeliveries|ResourcePolic(y|ies)|LogGroups)")
UV = next(ROOT.glob(".local/uv/*/bin/uv"), Path("uv"))


def events(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """The template's events of a kind: `[(function, properties)]`."""
    return [
        (function, event["Properties"])
        for function, properties in FUNCTIONS.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == kind
    ]


def statements(function: str) -> list[dict[str, Any]]:
    """What a function's own policy lets it do."""
    return [
        statement
        for policy in FUNCTIONS[function].get("Policies", [])
        if policy not in (READS_CHAOS, ARMS_CHAOS, READS_KEYS)
        for statement in policy["Statement"]
    ]


def actions(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else action


def service_of(function: str) -> str:
    service: str = FUNCTIONS[function]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    return service


def dependencies(logical_id: str) -> list[str]:
    """What is made before a resource, beyond what it refers to."""
    before: str | list[str] = template()["Resources"][logical_id].get("DependsOn", [])
    return [before] if isinstance(before, str) else before


def variables(function: str) -> dict[str, Any]:
    """What the template gives a function of its own in the environment."""
    own: dict[str, Any] = FUNCTIONS[function]["Environment"]["Variables"]
    return own


def environment_of(function: str) -> dict[str, str]:
    """A function's environment, with a plain value for whatever the template computes."""
    declared = (
        template()["Globals"]["Function"]["Environment"]["Variables"]
        | FUNCTIONS[function]["Environment"]["Variables"]
    )
    computed = {name: "ws://1" if name.endswith("_URL") else "1" for name in declared}
    plain = {name: value for name, value in declared.items() if isinstance(value, str)}
    return {**computed, **plain} | {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "STAGE": "local",
    }


def is_dead_letter_queue(reference: Any) -> bool:
    queue, attribute = reference["Fn::GetAtt"]
    return attribute == "Arn" and queue in QUEUES and queue.endswith("DeadLetterQueue")


@pytest.fixture
def fresh_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Imports the services anew, as a cold start does, and puts the old modules back."""
    services = [name for name in sys.modules if name.split(".")[0] in SERVICES]
    for name in services:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] in SERVICES]:
        del sys.modules[name]


@pytest.mark.parametrize("rule", RULES)
def test_what_the_bus_cannot_deliver_lands_in_a_dead_letter_queue(rule: str) -> None:
    for target in RULES[rule]["Targets"]:
        assert is_dead_letter_queue(target["DeadLetterConfig"]["Arn"])
        assert 0 < target["RetryPolicy"]["MaximumRetryAttempts"] <= 185
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 3600


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_hands_over_is_not_lost_by_who_gets_it(rule: str) -> None:
    for target in RULES[rule]["Targets"]:
        receiver = target["Arn"]["Fn::GetAtt"][0]
        if receiver in QUEUES:
            assert is_dead_letter_queue(QUEUES[receiver]["RedrivePolicy"]["deadLetterTargetArn"])
        else:
            # The bus calls a function asynchronously: Lambda says thanks before it has run.
            destination = FUNCTIONS[receiver]["EventInvokeConfig"]["DestinationConfig"]
            assert is_dead_letter_queue(destination["OnFailure"]["Destination"])


@pytest.mark.parametrize(("function", "schedule"), events("Schedule"))
def test_a_sweep_that_fails_leaves_a_trace(function: str, schedule: dict[str, Any]) -> None:
    invocation = FUNCTIONS[function]["EventInvokeConfig"]

    assert is_dead_letter_queue(schedule["DeadLetterConfig"]["Arn"])
    assert schedule["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert is_dead_letter_queue(invocation["DestinationConfig"]["OnFailure"]["Destination"])


def test_every_service_that_holds_something_for_an_order_is_swept() -> None:
    swept = dict(events("Schedule"))

    assert {service_of(function) for function in swept} == set(HOLDING)
    for function, schedule in swept.items():
        name = function.removesuffix("Function")
        # The queue's policy knows the rules by the beginning of their names.
        assert schedule["Name"] == {"Fn::Sub": f"${{AWS::StackName}}-{name}"}
        assert name.startswith("Sweep")
        assert variables(function)["SWEEP_GRACE_SECONDS"] == {"Ref": "SweepGraceSeconds"}


@pytest.mark.parametrize(("function", "stream"), events("DynamoDB"))
def test_a_relay_keeps_what_it_cannot_publish(function: str, stream: dict[str, Any]) -> None:
    assert is_dead_letter_queue(stream["DestinationConfig"]["OnFailure"]["Destination"])
    assert 0 < stream["MaximumRetryAttempts"] <= 100
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["StartingPosition"] == "TRIM_HORIZON"


def test_the_relay_sees_every_service_s_outbox_changed_orders_and_nothing_else() -> None:
    sources = events("DynamoDB")

    assert {function for function, _ in sources} == {"RelayFunction"}
    assert [stream["Stream"] for _, stream in sources] == [
        {"Fn::GetAtt": [f"{service.title()}Table", "StreamArn"]} for service in SPEAKING
    ]
    outbox, changes = (
        {"eventName": [name], "dynamodb": {"NewImage": {"entity": {"S": [entity]}}}}
        for name, entity in (("INSERT", "outbox_event"), ("MODIFY", "order"))
    )
    for service, (_, stream) in zip(SPEAKING, sources, strict=True):
        patterns = [json.loads(each["Pattern"]) for each in stream["FilterCriteria"]["Filters"]]
        assert patterns == ([outbox, changes] if service == "order" else [outbox])


@pytest.mark.parametrize(("function", "source"), events("SQS"))
def test_a_queue_waits_for_its_function_and_gives_up_into_a_dead_letter_queue(
    function: str, source: dict[str, Any]
) -> None:
    queue = QUEUES[source["Queue"]["Fn::GetAtt"][0]]
    timeout = FUNCTIONS[function].get("Timeout", template()["Globals"]["Function"]["Timeout"])

    assert is_dead_letter_queue(queue["RedrivePolicy"]["deadLetterTargetArn"])
    assert queue["VisibilityTimeout"] == {"Fn::If": ["OnAws", 6 * timeout, timeout]}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_every_dead_letter_queue_keeps_its_messages_and_tells_its_address() -> None:
    dead_letter_queues = {name for name in QUEUES if name.endswith("DeadLetterQueue")}
    outputs = template()["Outputs"]

    assert {name for name in outputs if name.endswith("DeadLetterQueueUrl")} == {
        f"{name}Url" for name in dead_letter_queues
    }
    for name in dead_letter_queues:
        assert outputs[f"{name}Url"]["Value"] == {"Ref": name}
        assert QUEUES[name]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_bus_may_write_to_every_queue_that_it_is_told_to() -> None:
    granted = {
        queue["Ref"]
        for policy in resources("AWS::SQS::QueuePolicy").values()
        for queue in policy["Queues"]
    }
    wanted = {
        reference["Fn::GetAtt"][0]
        for rule in RULES.values()
        for target in rule["Targets"]
        for reference in (target["Arn"], target["DeadLetterConfig"]["Arn"])
    } | {schedule["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] for _, schedule in events("Schedule")}

    assert granted == wanted & set(QUEUES)


@pytest.mark.parametrize("table", resources("AWS::DynamoDB::Table"))
def test_a_table_can_be_restored_and_is_protected(table: str) -> None:
    properties = resources("AWS::DynamoDB::Table")[table]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["IsProduction", True, False]}
    assert template()["Resources"][table]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("service", SPEAKING)
def test_a_service_streams_what_is_new(service: str) -> None:
    properties = resources("AWS::DynamoDB::Table")[f"{service.title()}Table"]

    assert properties["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


@pytest.mark.parametrize("service", HOLDING)
def test_a_service_finds_what_is_unsettled(service: str) -> None:
    properties = resources("AWS::DynamoDB::Table")[f"{service.title()}Table"]

    assert properties["GlobalSecondaryIndexes"][:1] == [
        {
            "IndexName": "unsettled",
            "KeySchema": [
                {"AttributeName": "unsettled", "KeyType": "HASH"},
                {"AttributeName": "updated_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_named_things_to_named_resources(function: str) -> None:
    for statement in statements(function):
        assert isinstance(statement["Resource"], dict)
        assert not any("*" in action for action in actions(statement))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_touches_no_table_but_its_own_service_s(function: str) -> None:
    own = f"{service_of(function).title()}Table"

    for statement in statements(function):
        if any(action.startswith("dynamodb:") for action in actions(statement)):
            indexes = [
                {"Fn::Sub": f"${{{own}.Arn}}/index/{name}"} for name in ("unsettled", "owned")
            ]
            assert statement["Resource"] in ({"Fn::GetAtt": [own, "Arn"]}, *indexes)
            if statement["Resource"] in indexes:
                assert actions(statement) == ["dynamodb:Query"]
    assert variables(function).get("TABLE_NAME", {"Ref": own}) == {"Ref": own}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_calls_only_functions_that_it_is_told_of(function: str) -> None:
    told = {
        reference["Ref"]
        for name, reference in variables(function).items()
        if name.endswith("_FUNCTION")
    }
    callable_ones = {
        statement["Resource"]["Fn::GetAtt"][0]
        for statement in statements(function)
        if "lambda:InvokeFunction" in actions(statement)
    }

    assert callable_ones == told


def test_failures_are_injected_in_the_sandbox_alone() -> None:
    parameter = template()["Resources"]["ChaosParameter"]
    readers = {name for name in FUNCTIONS if "CHAOS_PARAMETER" in variables(name)}

    assert template()["Conditions"]["IsSandbox"] == {
        "Fn::Or": [
            {"Fn::Equals": [{"Ref": "Stage"}, "local"]},
            {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
        ]
    }
    assert (parameter["Condition"], parameter["Properties"]["Value"]) == ("IsSandbox", "{}")
    assert template()["Outputs"]["ChaosParameter"]["Condition"] == "IsSandbox"
    assert all(variables(name)["CHAOS_PARAMETER"] == CHAOS for name in readers)
    assert readers == {
        function
        for function in FUNCTIONS
        for policy in FUNCTIONS[function]["Policies"]
        if policy in (READS_CHAOS, ARMS_CHAOS)
    }
    assert readers >= {f"{steps}Function" for steps in STEPS}


def test_what_reads_injected_failures_may_read_nothing_else() -> None:
    policy = template()["Resources"]["ReadChaosPolicy"]

    assert policy["Condition"] == "IsSandbox"
    of_all, of_one_order = policy["Properties"]["PolicyDocument"]["Statement"]
    assert of_all["Action"] == "ssm:GetParameter"
    assert of_all["Resource"]["Fn::Sub"].endswith(":parameter${ChaosParameter}")
    assert of_one_order["Action"] == ["ssm:DeleteParameter", "ssm:GetParameter"]
    assert of_one_order["Resource"]["Fn::Sub"].endswith(":parameter${ChaosParameter}/*")


def test_only_the_order_api_may_break_an_order_and_nothing_else() -> None:
    policy = template()["Resources"]["ArmFailuresPolicy"]

    assert policy["Condition"] == "IsSandbox"
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "ssm:PutParameter"
    assert statement["Resource"]["Fn::Sub"].endswith(":parameter${ChaosParameter}/*")
    holders = [name for name in FUNCTIONS if ARMS_CHAOS in FUNCTIONS[name]["Policies"]]
    assert holders == ["OrderApiFunction"]


def test_only_functions_that_are_told_of_the_token_keys_may_read_them_and_nothing_else() -> None:
    readers = {function for function in FUNCTIONS if READS_KEYS in FUNCTIONS[function]["Policies"]}
    policy = template()["Resources"]["ReadTokenKeysPolicy"]["Properties"]["PolicyDocument"]

    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": {"Ref": "TokenKeys"},
        }
    ]
    assert readers >= {"AccountApiFunction", "OrderOpsFunction"}
    for function in readers:
        assert variables(function)["TOKEN_KEYS_ARN"] == {"Ref": "TokenKeys"}
    for function in FUNCTIONS:
        own = [action for statement in statements(function) for action in actions(statement)]
        assert not any(action.startswith("secretsmanager:") for action in own)


def test_no_route_leads_to_what_makes_operators() -> None:
    assert "Events" not in FUNCTIONS["AddOperatorFunction"]


def test_api_gateways_own_answers_have_the_headers_of_the_functions() -> None:
    responses = template()["Resources"]["HttpApi"]["Properties"]["GatewayResponses"]
    origin = {
        "Fn::If": [
            "HasStorefrontOrigin",
            {"Fn::Sub": "'${StorefrontOrigin}'"},
            {"Fn::Sub": "'${StorefrontBucket.WebsiteURL}'"},
        ]
    }

    assert {"DEFAULT_4XX", "DEFAULT_5XX", "BAD_REQUEST_BODY", "THROTTLED"} <= responses.keys()
    for response in responses.values():
        assert response["ResponseParameters"]["Headers"] == {
            **{name: f"'{value}'" for name, value in SECURITY_HEADERS.items()},
            "Content-Type": "'application/problem+json'",
            "Access-Control-Allow-Origin": origin,
        }


def test_every_function_knows_the_one_origin_whose_pages_may_call() -> None:
    known = template()["Globals"]["Function"]["Environment"]["Variables"]["STOREFRONT_ORIGIN"]

    assert known == {
        "Fn::If": [
            "HasStorefrontOrigin",
            {"Ref": "StorefrontOrigin"},
            {"Fn::GetAtt": ["StorefrontBucket", "WebsiteURL"]},
        ]
    }
    assert template()["Parameters"]["StorefrontOrigin"]["Default"] == ""
    assert "*" not in str(template()["Resources"]["HttpApi"]["Properties"]["GatewayResponses"])


def test_the_limits_of_orders_are_the_templates_and_the_code_s() -> None:
    declared = template()["Parameters"]
    own = variables("OrderApiFunction")

    for limit in fields(LimitSettings):
        parameter = declared[own[limit.name.upper()]["Ref"]]
        assert (parameter["Default"], parameter["Type"]) == (limit.default, "Number")


def test_the_saga_may_call_its_own_functions_only() -> None:
    saga = resources("AWS::Serverless::StateMachine")["OrderSaga"]
    ((invoke, deliver_logs),) = [policy["Statement"] for policy in saga["Policies"]]

    assert invoke["Action"] == "lambda:InvokeFunction"
    assert sorted(map(str, invoke["Resource"])) == sorted(
        map(str, saga["DefinitionSubstitutions"].values())
    )
    assert all(LOG_DELIVERY.fullmatch(action) for action in deliver_logs["Action"])


def test_no_payment_token_gets_into_the_saga_s_log() -> None:
    saga = resources("AWS::Serverless::StateMachine")["OrderSaga"]

    assert saga["Logging"]["IncludeExecutionData"] is False


def test_the_storefront_is_readable_and_nothing_else() -> None:
    (policy,) = resources("AWS::S3::BucketPolicy").values()

    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"] == {"Fn::Sub": "${StorefrontBucket.Arn}/*"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_with_the_settings_that_the_template_gives_it(
    function: str, monkeypatch: pytest.MonkeyPatch, fresh_modules: None
) -> None:
    for name in {name for each in FUNCTIONS for name in variables(each)}:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment_of(function).items():
        monkeypatch.setenv(name, value)

    monkeypatch.setattr("shared.dynamodb.client", object)

    name, _, handler = FUNCTIONS[function]["Handler"].rpartition(".")
    module = importlib.import_module(name)

    assert callable(getattr(module, handler))
    # Settings are read where `wiring.py` builds something.
    for builder in set(re.findall(r"\bwiring\.(\w+)\(\)", inspect.getsource(module))):
        getattr(module.wiring, builder)()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_built_and_has_a_log_that_ends(function: str) -> None:
    name = function.removesuffix("Function")
    log = resources("AWS::Logs::LogGroup")[f"{name}Logs"]

    assert template()["Resources"][function]["Metadata"] == {"BuildMethod": "makefile"}
    assert FUNCTIONS[function]["FunctionName"] == {"Fn::Sub": f"${{AWS::StackName}}-{name}"}
    assert log["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{name}"}
    assert log["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_is_called_at_once_finds_its_log_group(function: str) -> None:
    assert f"{function.removesuffix('Function')}Logs" in dependencies(function)


@pytest.mark.parametrize("consumer", [*RULES, "OrderPlacedPermission"])
def test_consumers_are_created_before_the_relay(consumer: str) -> None:
    assert consumer in dependencies("RelayFunction")


@pytest.mark.parametrize("function", sorted({function for function, _ in events("Api")}))
def test_an_api_s_function_answers_exactly_the_routes_that_lead_to_it(
    function: str, monkeypatch: pytest.MonkeyPatch, fresh_modules: None
) -> None:
    routed = {
        (name, (route["Method"], route["Path"]))
        for name, route in events("Api")
        if route["Method"] != "OPTIONS"
    }
    elsewhere = {route for name, route in routed if name != function}
    for name, value in environment_of(function).items():
        monkeypatch.setenv(name, value)

    module, _, _ = FUNCTIONS[function]["Handler"].rpartition(".")
    chalice = importlib.import_module(module).api._app

    answered = {(method, path) for path, methods in chalice.routes.items() for method in methods}
    assert {route for name, route in routed if name == function} == answered - elsewhere


def test_a_browser_may_ask_for_every_path_whether_it_may_call() -> None:
    routed = {
        (name, route["Path"]) for name, route in events("Api") if route["Method"] != "OPTIONS"
    }
    preflights = [
        (name, route["Path"]) for name, route in events("Api") if route["Method"] == "OPTIONS"
    ]

    assert sorted(path for _, path in preflights) == sorted({path for _, path in routed})
    assert set(preflights) <= routed, "the function that answers OPTIONS has to know the path"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("AWS::DynamoDB::Table", "TableName"),
        ("AWS::Events::EventBus", "Name"),
        ("AWS::S3::Bucket", "BucketName"),
        ("AWS::Serverless::Api", "Name"),
        ("AWS::Serverless::StateMachine", "Name"),
    ],
)
def test_names_derive_from_the_stack_s_so_that_stacks_live_side_by_side(
    kind: str, name: str
) -> None:
    assert resources(kind)
    for properties in resources(kind).values():
        assert properties[name]["Fn::Sub"].startswith("${AWS::StackName}-")


def test_the_shipped_requirements_are_those_of_the_lock_file() -> None:
    # To fix it, write what this command prints below the file's first line.
    command = (
        f"{UV} export --frozen --only-group functions --no-hashes --no-header --no-annotate --quiet"
    )
    locked = subprocess.run(
        command.split(),
        cwd=ROOT,
        env=os.environ | {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    shipped = (ROOT / "functions" / "requirements.txt").read_text(encoding="utf-8")
    assert shipped.partition("\n")[2] == locked
    assert "botocore" not in shipped, "the Lambda runtime brings its own"

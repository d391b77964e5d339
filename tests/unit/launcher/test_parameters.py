"""What a local store is deployed with."""

import re
from typing import Any

import pytest

from sagashop_local.errors import MalformedParameters
from sagashop_local.parameters import LIMITS, STACK_NAME, local_parameters
from sagashop_ops.aws import REGION
from sagashop_ops.stack import stack_of
from support.template import resources, template


def declared() -> dict[str, Any]:
    parameters: dict[str, Any] = template()["Parameters"]
    return parameters


def test_a_local_store_knows_that_it_is_one() -> None:
    parameters = local_parameters(4566, {})

    assert parameters["Stage"] == "local"
    assert parameters.keys() <= declared().keys()


def test_a_local_stores_pages_have_the_origin_that_its_api_lets_in() -> None:
    # Given
    (bucket,) = resources("AWS::S3::Bucket").values()
    pattern = bucket["BucketName"]["Fn::Sub"]
    names = {"StackName": STACK_NAME, "AccountId": "000000000000", "Region": REGION}
    name = re.sub(r"\$\{AWS::(\w+)\}", lambda found: names[found[1]], pattern)
    outputs = {
        "ApiUrl": "https://api/v1",
        "ApiId": "api",
        "WebSocketUrl": "",
        "StorefrontUrl": "",
        "StorefrontBucket": name,
        "EventBusName": "",
        "StateMachineArn": "",
    }

    # When
    stack = stack_of(
        outputs, stack_name=STACK_NAME, region=REGION, endpoint_url="http://127.0.0.1:4666"
    )

    # Then
    assert stack.storefront_url == f"{local_parameters(4666, {})['StorefrontOrigin']}/"


def test_on_one_machine_nobody_reaches_a_limit() -> None:
    assert {name for name in declared() if re.search("Per(Caller|Address)$", name)} == set(LIMITS)
    assert {local_parameters(4566, {})[name] for name in LIMITS} == {"100000"}


def test_the_environment_adds_parameters_and_replaces_them() -> None:
    environ = {"SAGASHOP_PARAMETERS": "PaymentWaitSeconds=4, Stage=dev,"}

    given = {"Stage": "dev", "PaymentWaitSeconds": "4"}
    assert local_parameters(4566, environ) == local_parameters(4566, {}) | given


@pytest.mark.parametrize("text", ["PaymentWaitSeconds", "=4", "PaymentWaitSeconds:4"])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(MalformedParameters, match="SAGASHOP_PARAMETERS has"):
        local_parameters(4566, {"SAGASHOP_PARAMETERS": text})

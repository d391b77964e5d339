"""What a local store is deployed with."""

import pytest

from sagashop_local.errors import MalformedParameters
from sagashop_local.parameters import local_parameters


def test_a_local_store_knows_that_it_is_one() -> None:
    assert local_parameters({}) == {"Stage": "local"}


def test_the_environment_adds_parameters_and_replaces_them() -> None:
    environ = {"SAGASHOP_PARAMETERS": "PaymentWaitSeconds=4, Stage=dev,"}

    assert local_parameters(environ) == {"Stage": "dev", "PaymentWaitSeconds": "4"}


@pytest.mark.parametrize("text", ["PaymentWaitSeconds", "=4", "PaymentWaitSeconds:4"])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(MalformedParameters, match="SAGASHOP_PARAMETERS has"):
        local_parameters({"SAGASHOP_PARAMETERS": text})

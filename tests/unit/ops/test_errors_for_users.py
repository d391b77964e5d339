"""What operators are told when something is missing."""

import pytest

from sagashop_ops.errors import StoreNotRunning, UnknownName
from sagashop_ops.logs import select_function

FUNCTIONS = {"PaymentSteps": "sagashop-PaymentStepsFunction-1a", "OrderApi": "sagashop-OrderApi-2b"}


@pytest.mark.parametrize(
    ("port", "command"), [(4566, "`make up`"), (4666, "`PORT=4666 make up`")], ids=str
)
def test_who_needs_a_store_is_told_how_to_start_it(port: int, command: str) -> None:
    assert command in str(StoreNotRunning(port))


@pytest.mark.parametrize(
    "name",
    ["PaymentSteps", "payment_steps", "PaymentStepsFunction", "sagashop-PaymentStepsFunction-1a"],
)
def test_a_function_is_found_by_any_of_its_names(name: str) -> None:
    assert select_function(FUNCTIONS, name) == {"PaymentSteps": "sagashop-PaymentStepsFunction-1a"}


def test_an_unknown_function_is_told_with_those_that_exist() -> None:
    with pytest.raises(UnknownName, match="There are: OrderApi, PaymentSteps"):
        select_function(FUNCTIONS, "ReserveStock")

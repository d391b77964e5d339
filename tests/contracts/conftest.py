"""What contract tests share with the unit tests: a function's environment, tables, a clock."""

from unit.conftest import (  # noqa: F401  # fixtures are found where they are imported
    aws,
    frozen_clock,
    lambda_context,
    notification_table,
    order_table,
)

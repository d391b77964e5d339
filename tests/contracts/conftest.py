"""What contract tests share with the unit tests: a function's environment, and a clock."""

from unit.conftest import (  # noqa: F401  # fixtures are found where they are imported
    frozen_clock,
    lambda_context,
    stack_tokens,
)

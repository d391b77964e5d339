"""LocalStack's Step Functions, patched and loaded without moto's EC2.

Selected with PROVIDER_OVERRIDE_STEPFUNCTIONS=embedded.
"""

from localstack.services.plugins import Service, aws_provider


@aws_provider(api="stepfunctions", name="embedded")
def stepfunctions() -> Service:
    # Imported here because LocalStack reads this module at its start, and these take half a second.
    # ruff: disable[PLC0415]
    from localstack_embedded.light_imports import hollow

    with hollow("moto.batch"):
        from localstack.services.stepfunctions.provider import StepFunctionsProvider

    from localstack_embedded.patches import jsonata, state_machines  # noqa: F401
    # ruff: enable[PLC0415]

    jsonata.install("localstack.services.stepfunctions.asl")
    return Service.for_provider(StepFunctionsProvider())

"""LocalStack's Step Functions, patched, and Systems Manager; both loaded without moto's EC2.

PROVIDER_OVERRIDE_STEPFUNCTIONS=embedded and PROVIDER_OVERRIDE_SSM=embedded select them. LocalStack
reads this module at its start, so the functions import what takes long.
"""

from localstack.services.plugins import Service, aws_provider

from localstack_embedded.light_imports import Late, hollow

# ruff: disable[PLC0415]


@aws_provider(api="stepfunctions", name="embedded")
def stepfunctions() -> Service:
    with hollow("moto.batch"):
        from localstack.services.stepfunctions.provider import StepFunctionsProvider

    from localstack_embedded.patches import jsonata, state_machines  # noqa: F401

    jsonata.install("localstack.services.stepfunctions.asl")
    return Service.for_provider(StepFunctionsProvider())


@aws_provider(api="ssm", name="embedded")
def ssm() -> Service:
    from localstack.services.moto import MotoFallbackDispatcher

    with hollow("moto.ec2", ec2_backends=Late("moto.ec2", "ec2_backends")):
        import moto.ssm.models  # noqa: F401 - for all who import it later
    from localstack.services.ssm.provider import SsmProvider

    return Service.for_provider(SsmProvider(), dispatch_table_factory=MotoFallbackDispatcher)


# ruff: enable[PLC0415]

"""LocalStack's Systems Manager, loaded without moto's EC2.

Selected with PROVIDER_OVERRIDE_SSM=embedded.
"""

from localstack.services.plugins import Service, aws_provider


@aws_provider(api="ssm", name="embedded")
def ssm() -> Service:
    # Imported here because LocalStack reads this module at its start.
    # ruff: disable[PLC0415]
    from localstack.services.moto import MotoFallbackDispatcher

    from localstack_embedded.light_imports import Late, hollow

    with hollow("moto.ec2", ec2_backends=Late("moto.ec2", "ec2_backends")):
        import moto.ssm.models  # noqa: F401 - for all who import it later
    from localstack.services.ssm.provider import SsmProvider
    # ruff: enable[PLC0415]

    return Service.for_provider(SsmProvider(), dispatch_table_factory=MotoFallbackDispatcher)

"""LocalStack's Step Functions with a memory.

Selected with PROVIDER_OVERRIDE_STEPFUNCTIONS=embedded.
"""

from localstack.services.plugins import Service, aws_provider


@aws_provider(api="stepfunctions", name="embedded")
def stepfunctions() -> Service:
    # Imported here because LocalStack reads this module at its start, and these take half a second.
    # ruff: disable[PLC0415]
    from localstack_embedded import jsonata
    from localstack_embedded.light_imports import hollow

    with hollow("moto.batch"):
        from localstack.services.stepfunctions.provider import StepFunctionsProvider

    from localstack_embedded.stepfunctions.definitions import remember_definitions
    from localstack_embedded.stepfunctions.json_paths import remember_json_paths
    from localstack_embedded.stepfunctions.state_tests import report_assigned_variables
    # ruff: enable[PLC0415]

    jsonata.install("localstack.services.stepfunctions.asl")
    remember_definitions()
    remember_json_paths()
    report_assigned_variables()
    return Service.for_provider(StepFunctionsProvider())

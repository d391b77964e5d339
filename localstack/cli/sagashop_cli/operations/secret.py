"""The operator's secret: generated at deploy, kept by Secrets Manager, shown to who may read it."""

from sagashop_cli.aws import Deployment


def read_operator_secret(deployment: Deployment) -> str:
    """Returns what the operator's HTTP routes want to see as `Authorization: Bearer …`."""
    answer = deployment.client("secretsmanager").get_secret_value(
        SecretId=deployment.outputs["OperatorSecretArn"]
    )
    secret: str = answer["SecretString"]
    return secret

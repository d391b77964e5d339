"""`AWS::SES::EmailIdentity`, which LocalStack's CloudFormation does not create.

LocalStack's SES confirms an address as soon as it is asked to; on AWS, its owner does.
"""

from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceRequest,
)
from localstack.services.ses.resource_providers.aws_ses_emailidentity import (
    SESEmailIdentityProperties,
    SESEmailIdentityProvider,
)

from localstack_embedded.patches import patch

type Request = ResourceRequest[SESEmailIdentityProperties]
type Progress = ProgressEvent[SESEmailIdentityProperties]


@patch(
    SESEmailIdentityProvider.create,
    source="aabb4b1f6e74ab4d",
    test="unit/localstack_embedded/engine_checks.py::test_a_stack_has_its_email_address_verified",
)
def create(_: object, self: SESEmailIdentityProvider, request: Request) -> Progress:
    """Verifies a stack's address, so that SES sends from it; LocalStack fails."""
    address = request.desired_state["EmailIdentity"]
    request.aws_client_factory.ses.verify_email_identity(EmailAddress=address)
    return ProgressEvent(OperationStatus.SUCCESS, resource_model=request.desired_state)


@patch(
    SESEmailIdentityProvider.delete,
    source="ea16867c37b64cb1",
    test="unit/localstack_embedded/engine_checks.py::test_a_deleted_stack_has_its_email_address_deleted",
)
def delete(_: object, self: SESEmailIdentityProvider, request: Request) -> Progress:
    """Deletes the address together with its stack; LocalStack fails."""
    address = request.desired_state["EmailIdentity"]
    request.aws_client_factory.ses.delete_identity(Identity=address)
    return ProgressEvent(OperationStatus.SUCCESS, resource_model=request.desired_state)

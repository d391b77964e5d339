"""`AWS::SES::EmailIdentity`, of which LocalStack's CloudFormation knows the name only.

LocalStack's SES confirms an address as soon as it is asked to; on AWS, its owner does.
"""

from collections.abc import Callable

from localstack.runtime import hooks
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceRequest,
)
from localstack.services.ses.resource_providers.aws_ses_emailidentity import (
    SESEmailIdentityProperties,
    SESEmailIdentityProvider,
)
from localstack.utils.patch import patch

type Request = ResourceRequest[SESEmailIdentityProperties]
type Progress = ProgressEvent[SESEmailIdentityProperties]
type Act = Callable[[SESEmailIdentityProvider, Request], Progress]


@hooks.on_infra_start()
def make_email_identities() -> None:
    """Makes a stack's e-mail addresses ones that SES sends from."""

    @patch(SESEmailIdentityProvider.create)
    def create(_: Act, self: SESEmailIdentityProvider, request: Request) -> Progress:
        address = request.desired_state["EmailIdentity"]
        request.aws_client_factory.ses.verify_email_identity(EmailAddress=address)
        return ProgressEvent(OperationStatus.SUCCESS, resource_model=request.desired_state)

    @patch(SESEmailIdentityProvider.delete)
    def delete(_: Act, self: SESEmailIdentityProvider, request: Request) -> Progress:
        address = request.desired_state["EmailIdentity"]
        request.aws_client_factory.ses.delete_identity(Identity=address)
        return ProgressEvent(OperationStatus.SUCCESS, resource_model=request.desired_state)

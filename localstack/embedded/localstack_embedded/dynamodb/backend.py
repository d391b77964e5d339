"""Forwards requests from the engine to the DynamoDB server."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3
from localstack.aws.api import CommonServiceException, RequestContext
from localstack.http import Response

# Longer than any request may wait for stream records.
_READ_TIMEOUT = 60.0
_CONNECT_TIMEOUT = 5.0
_POOL_SIZE = 32


class DynamoDbServer:
    """The server at one URL; the engine's threads share its connections."""

    def __init__(self, url: str) -> None:
        self._url = url
        address = urlsplit(url)
        self._connections = urllib3.HTTPConnectionPool(
            str(address.hostname),
            address.port,
            maxsize=_POOL_SIZE,
            timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=_READ_TIMEOUT),
            retries=False,
        )

    def forward(
        self, context: RequestContext, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Returns the server's answer to the request in `context`, as it is."""
        assert context.operation is not None  # The engine routes by it.
        return self.call(context, context.operation.name, context.request.get_data(), headers)

    def call(
        self,
        context: RequestContext,
        action: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Returns the answer to `action` for the account and region in `context`.

        Raises:
            CommonServiceException: the server does not answer; as an AWS error of status 500, which
                AWS's clients retry.
        """
        assert context.service is not None
        # The engine knows the account, whatever the caller's credentials are. The server reads the
        # account and the region from here, and doesn't verify signatures.
        scope = f"{context.account_id}/19700101/{context.region}/dynamodb/aws4_request"
        try:
            answer = self._connections.request(
                "POST",
                "/",
                body=body,
                headers={
                    "content-type": "application/x-amz-json-1.0",
                    "x-amz-target": f"{context.service.metadata['targetPrefix']}.{action}",
                    "authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
                    **(headers or {}),
                },
            )
        except urllib3.exceptions.HTTPError as exc:
            raise CommonServiceException(
                "InternalServerError",
                f"The DynamoDB server at {self._url} does not answer: {exc}",
                status_code=500,
            ) from exc
        response = Response(answer.data, status=answer.status)
        for name in ("content-type", "x-amzn-errortype", "x-amzn-requestid", "x-amz-crc32"):
            if name in answer.headers:
                response.headers[name] = answer.headers[name]
        return response

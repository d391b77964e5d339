"""A small WebSocket API for tests: its template, its function, and what its function was told."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import connect

from support.waiting import eventually

type Template = dict[str, Any]

# Reports every event to a queue, and does what the test asks for.
SOURCE = """
import json, os, time
import boto3

def handler(event, context):
    queue = os.environ["QUEUE_URL"]
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    query = event.get("queryStringParameters") or {}
    told = json.loads(event["body"]) if event.get("body", "").startswith("{") else {}
    if query.get("fail") or told.get("fail"):
        raise ValueError("as asked")
    if "push" in told:
        # On AWS, the same URL begins with wss and https.
        url = "http" + os.environ["WEBSOCKET_URL"].removeprefix("ws")
        boto3.client("apigatewaymanagementapi", endpoint_url=url).post_to_connection(
            ConnectionId=event["requestContext"]["connectionId"], Data=told["push"])
    time.sleep(told.get("take", 0))
    return {
        "statusCode": int(query.get("answer", 200)),
        "headers": {"Sec-WebSocket-Protocol": "chat"},
        "body": event.get("body"),
    }
"""
ROLE = "arn:aws:iam::000000000000:role/tests"


def a_template(routes: dict[str, Template], stage: Template | None = None) -> Template:
    """An API with a function behind its routes, each of which has the given properties."""
    resources: Template = {
        "Events": {"Type": "AWS::SQS::Queue"},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": ROLE,
                "Timeout": 20,
                "Code": {"ZipFile": SOURCE},
                "Environment": {
                    "Variables": {
                        "QUEUE_URL": {"Ref": "Events"},
                        "WEBSOCKET_URL": {"Fn::Sub": "${Api.ApiEndpoint}/live"},
                    }
                },
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "apigateway.amazonaws.com",
            },
        },
        "Api": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Name": "chat",
                "ProtocolType": "WEBSOCKET",
                "RouteSelectionExpression": "$request.body.action",
            },
        },
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "TimeoutInMillis": 5000,
                "IntegrationUri": {
                    "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
                    "${Function.Arn}/invocations"
                },
            },
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "live"}
            | (stage or {"AutoDeploy": True}),
        },
    }
    for key, properties in routes.items():
        resources[f"{key.strip('$').capitalize()}Route"] = {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": key,
                "Target": {"Fn::Sub": "integrations/${Integration}"},
            }
            | properties,
        }
    return {
        "Resources": resources,
        "Outputs": {
            "ApiId": {"Value": {"Ref": "Api"}},
            "StageName": {"Value": {"Ref": "Stage"}},
            "Url": {"Value": {"Fn::Sub": "${Api.ApiEndpoint}/${Stage}"}},
            "Queue": {"Value": {"Ref": "Events"}},
        },
    }


@dataclass
class WebSocketApi:
    """A deployed API.

    Attributes:
        outputs: the stack's.
    """

    aws: Callable[[str], Any]
    stack_name: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:12]}")
    outputs: dict[str, str] = field(default_factory=dict)

    def deploy(self, template: Template) -> None:
        """Creates or updates the stack."""
        cloudformation = self.aws("cloudformation")
        change_set = cloudformation.create_change_set(
            StackName=self.stack_name,
            ChangeSetName=f"change-{uuid.uuid4().hex[:12]}",
            ChangeSetType="UPDATE" if self.outputs else "CREATE",
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )["Id"]
        eventually(
            lambda: cloudformation.describe_change_set(ChangeSetName=change_set)["Status"],
            until="CREATE_COMPLETE".__eq__,
        )
        cloudformation.execute_change_set(ChangeSetName=change_set)
        stack = eventually(
            lambda: cloudformation.describe_stacks(StackName=self.stack_name)["Stacks"][0],
            until=lambda stack: (
                stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
                and stack.get("ChangeSetId") == change_set
            ),
        )
        self.outputs = {
            output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())
        }

    def delete(self) -> None:
        """Deletes the stack, and waits until it is gone."""
        self.aws("cloudformation").delete_stack(StackName=self.stack_name)
        apis = self.aws("apigatewayv2")
        eventually(
            lambda: [api["ApiId"] for api in apis.get_apis()["Items"]],
            until=lambda ids: self.outputs["ApiId"] not in ids,
        )

    def connect(self, query: str = "", **arguments: Any) -> connect:
        """A client, connected within a `with` block."""
        return connect(self.outputs["Url"] + query, compression=None, **arguments)

    def event(self, until: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Waits for an event that the function was called with; the others are dropped."""
        events: list[dict[str, Any]] = []

        def look() -> dict[str, Any] | None:
            messages = self.aws("sqs").receive_message(
                QueueUrl=self.outputs["Queue"], MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            events.extend(json.loads(message["Body"]) for message in messages.get("Messages", ()))
            return next((event for event in events if until(event)), None)

        found = eventually(look)
        assert found is not None
        return found

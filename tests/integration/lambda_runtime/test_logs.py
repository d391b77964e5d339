"""What a function prints and logs: in the call's result, and in CloudWatch Logs."""

from datetime import UTC, datetime, timedelta

from support.lambda_functions import LambdaFunctions
from support.waiting import eventually

TALKATIVE = """
import logging, sys
def handler(event, context):
    print("printed", event)
    print("to stderr", file=sys.stderr)
    logging.getLogger().warning("logged")
    if event == "fail": raise ValueError("as told")
"""


def test_the_tail_holds_what_the_function_said(functions: LambdaFunctions) -> None:
    name = functions.create(TALKATIVE)

    cold, warm = functions.call(name, "first").log, functions.call(name, "second").log

    lines = warm.splitlines()
    assert lines[0].startswith("START RequestId: ")
    assert lines[1:3] == ["printed second", "to stderr"]
    assert lines[3].startswith("[WARNING]")
    assert lines[3].endswith("logged")
    assert lines[4].startswith("END RequestId: ")
    for field in ("Duration: ", "Billed Duration: ", "Memory Size: 128 MB", "Max Memory Used: "):
        assert field in lines[5]
    assert "Init Duration: " in cold
    assert "Init Duration: " not in warm


def test_a_failure_is_logged_with_its_cause(functions: LambdaFunctions) -> None:
    name = functions.create(TALKATIVE)

    log = functions.call(name, "fail").log

    assert "[ERROR] ValueError: as told" in log


def test_every_line_reaches_cloudwatch_in_order(functions: LambdaFunctions) -> None:
    # Given a function that is called several times
    name = functions.create(TALKATIVE)
    for number in range(5):
        functions.call(name, number)

    # When its log group is read
    logs = functions.client_of("logs")

    def messages() -> list[str]:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].strip() for event in found["events"]]

    heard = eventually(
        messages, until=lambda lines: sum(line.startswith("REPORT") for line in lines) == 5
    )

    # Then all is there, as it was said
    said = [message for message in heard if message.startswith("printed")]
    assert said == [f"printed {number}" for number in range(5)]


def test_calls_and_failures_are_counted(functions: LambdaFunctions) -> None:
    name = functions.create(TALKATIVE)
    for event in ("fine", "fail", "fine"):
        functions.call(name, event)

    def total(metric: str) -> float:
        now = datetime.now(UTC)
        points = functions.client_of("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=86_400,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    eventually(lambda: (total("Invocations"), total("Errors")), until=lambda n: n == (3, 1))

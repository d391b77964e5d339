"""TestState's variables: those after the state ran, as on AWS.

LocalStack reports the variables that the request gave, without what the state assigned.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_InspectionData.html
"""

from collections.abc import Callable

from localstack.aws.api.stepfunctions import InspectionLevel, TestStateOutput
from localstack.services.stepfunctions.asl.utils.encoding import to_json_str
from localstack.services.stepfunctions.backend.test_state.execution import TestStateExecution
from localstack.utils.patch import patch


def report_assigned_variables() -> None:
    """Puts what a state assigned into the answer of TestState."""

    @patch(TestStateExecution.to_test_state_output)
    def to_test_state_output(
        to_output: Callable[[TestStateExecution, InspectionLevel], TestStateOutput],
        self: TestStateExecution,
        inspection_level: InspectionLevel,
    ) -> TestStateOutput:
        environment = self.exec_worker.env
        store = environment.variable_store  # Its own `to_dict` forgets what a state has assigned.
        if variables := store._outer_scope | store._inner_scope:
            environment.inspection_data["variables"] = to_json_str(variables)
        return to_output(self, inspection_level)

"""State machine definitions, parsed once.

LocalStack parses a state machine's definition at the start of each execution: 50 ms of CPU for a
saga of 17 KB. The parsed program keeps state while it runs, so an execution gets a copy of its own,
from a pickle: 0.5 ms.
"""

import functools
import pickle

from localstack.services.stepfunctions.asl.component.eval_component import EvalComponent
from localstack.services.stepfunctions.asl.parse.asl_parser import AmazonStateLanguageParser
from localstack.services.stepfunctions.asl.static_analyser.usage_metrics_static_analyser import (
    UsageMetricsStaticAnalyser,
)
from localstack.services.stepfunctions.backend.execution_worker import ExecutionWorker
from localstack.utils.patch import patch

_DEFINITIONS = 64


def remember_definitions() -> None:
    """Makes executions start from the remembered program of their definition."""

    @functools.lru_cache(_DEFINITIONS)
    def pickled(definition: str) -> bytes:
        return pickle.dumps(AmazonStateLanguageParser.parse(definition)[0])

    @patch(UsageMetricsStaticAnalyser.process)
    def process(_: object, definition: str) -> None:
        """Parses no definition a second time for a usage report that nobody gets."""

    @patch(ExecutionWorker._get_evaluation_entrypoint)
    def get_evaluation_entrypoint(_: object, self: ExecutionWorker) -> EvalComponent:
        definition = self._evaluation_details.state_machine_details.definition
        program: EvalComponent = pickle.loads(pickled(definition))  # noqa: S301 - pickled by us
        return program

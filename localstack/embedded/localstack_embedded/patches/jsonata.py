"""JSONata for the Step Functions interpreter that LocalStack and moto share, without Java.

The interpreter writes variables and an expression into one JSONata program and evaluates it in a
Java virtual machine, which LocalStack downloads and moto does not have. This module imports neither
of them until `install` is called. The sources in the patches are LocalStack's.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from localstack_embedded.jsonata import JSONataError, evaluate
from localstack_embedded.patches import patch


@cache
def install(interpreter: str) -> None:
    """Makes an interpreter evaluate JSONata in its own process.

    `interpreter` is "localstack.services.stepfunctions.asl" or "moto.stepfunctions.parser.asl".
    """

    def module(name: str) -> Any:
        return import_module(f"{interpreter}.{name}")

    jsonata = module("jsonata.jsonata")
    functions = module("component.intrinsic.jsonata")
    expressions = module("component.common.string.string_expression")
    validations = module("jsonata.validations")

    @patch(
        jsonata.eval_jsonata_expression,
        source="b386f41b",
        test="test_jsonata_is_evaluated_without_java",
        importers=(expressions, validations),
    )
    def eval_jsonata_expression(_: object, jsonata_expression: str) -> Any:
        """Evaluates a program with a library, for which nothing has to be downloaded."""
        return evaluate(jsonata_expression)

    @patch(
        functions.get_intrinsic_functions_declarations,
        source="aab39234",
        test="test_awss_functions_are_known",
        importers=(expressions,),
    )
    def get_intrinsic_functions_declarations(*_: object, **__: object) -> str:
        """Declares nothing: `evaluate` knows AWS's functions, of which LocalStack lacks some."""
        return ""

    @patch(
        jsonata.encode_jsonata_variable_declarations,
        source="c33b311f",
        test="test_a_variable_holds_any_text",
        importers=(module("eval.states"), module("eval.variable_store")),
    )
    def encode_jsonata_variable_declarations(
        encode: Callable[..., str], bindings: Mapping[str, Any]
    ) -> str:
        """Escapes a variable's text, which LocalStack puts between quotes as it is."""
        return encode(
            {
                name: json.dumps(value)[1:-1] if isinstance(value, str) else value
                for name, value in bindings.items()
            }
        )

    @patch(
        expressions.StringJSONata._eval_body,
        source="fc2281bc",
        test="test_a_failed_expression_has_awss_error",
    )
    def eval_body(evaluate_body: Callable[[Any, Any], None], self: Any, env: Any) -> None:
        """Fails with States.QueryEvaluationError, as AWS does, not with States.Runtime."""
        try:
            evaluate_body(self, env)
        except JSONataError as error:
            raise _query_evaluation_error(validations, env, self.expression, error) from error


def _query_evaluation_error(names: Any, env: Any, expression: str, error: JSONataError) -> Any:
    """Returns the exception of a failed expression; `names` is the interpreter's `validations`."""
    name = names.StatesErrorName(typ=names.StatesErrorNameType.StatesQueryEvaluationError)
    cause = f"The JSONata expression '{expression}' threw an error during evaluation. {error}"
    details = names.EventDetails(
        evaluationFailedEventDetails=names.EvaluationFailedEventDetails(
            cause=cause, error=name.error_name
        )
    )
    event = names.HistoryEventType.EvaluationFailed
    failure = names.FailureEvent(env=env, error_name=name, event_type=event, event_details=details)
    env.event_manager.add_event(
        context=env.event_history_context, event_type=event, event_details=details
    )
    return names.FailureEventException(failure)

"""JSONPath expressions, parsed once.

LocalStack parses each path of a state machine whenever an execution comes past it, and jsonpath-ng
makes a new grammar for every path that it parses: 5 ms of CPU, ten times per task. A state machine
has a few dozen different paths, and a parsed one has no state.
"""

import functools

from localstack.services.stepfunctions.asl.component.common.path import result_path
from localstack.services.stepfunctions.asl.utils import json_path

_PATHS = 4096


def remember_json_paths() -> None:
    """Makes the two modules that parse paths remember them."""
    json_path.parse = functools.lru_cache(_PATHS)(json_path.parse)
    result_path.parse = functools.lru_cache(_PATHS)(result_path.parse)

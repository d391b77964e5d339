"""JSONPath expressions, parsed once.

LocalStack parses each path of a state machine whenever an execution comes past it, and jsonpath-ng
makes a new grammar for every path that it parses: 10 ms of CPU, ten times per task. A state machine
has a few dozen different paths, and a parsed one has no state.
"""

import functools

import jsonpath_ng
import jsonpath_ng.ext
from localstack.runtime import hooks

_PATHS = 4096


# First among the hooks: LocalStack's own load services, which import these two functions by name.
@hooks.on_infra_start(priority=1000)
def remember_json_paths() -> None:
    jsonpath_ng.parse = functools.lru_cache(_PATHS)(jsonpath_ng.parse)
    jsonpath_ng.ext.parse = functools.lru_cache(_PATHS)(jsonpath_ng.ext.parse)

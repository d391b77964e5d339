"""Conditions and update expressions, read once.

MiniStack reads an expression's text anew for every item that it is held against: with ten thousand
rows in an index, a query for none of them takes most of a second, in which nobody else is served. A
program has a few dozen different expressions, and what is read of one is not changed afterwards.
"""

import functools

from ministack.services import dynamodb

_EXPRESSIONS = 1024


def remember_expressions() -> None:
    """Makes the two functions that read expressions remember them."""
    for name in ("_tokenize", "_condition_syntax_error"):
        setattr(dynamodb, name, functools.lru_cache(_EXPRESSIONS)(getattr(dynamodb, name)))

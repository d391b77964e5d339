"""Does the store's bookkeeping add up, and is it what its customers were promised?

`read_books` reads the rows, and is the only part that talks to a store. The rules are pure
functions over the rows, so that they can be tested without one: `balances` has those over all
orders, `promises` and `told` those over each order, and `report` applies them all.
"""

from sagashop_ops.audit.books import OPEN, Books, Event, read_books
from sagashop_ops.audit.report import OPEN_LIMIT, Report, audit, describe

__all__ = ["OPEN", "OPEN_LIMIT", "Books", "Event", "Report", "audit", "describe", "read_books"]

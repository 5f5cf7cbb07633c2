"""Filters: the condition on an event, in W&B's JSON shape.

Comparison follows MongoDB, whose operators W&B uses: a field that is missing satisfies only
`$ne`, `$nin`, `$exists: false`, negations and equality with null; values of different types are
neither equal nor ordered; a list satisfies an operator when it does as a whole or when one of its
items does.
"""

from firetower.core.filters.filter import ANY, Filter, regex_filter
from firetower.core.filters.nodes import Node, Predicate, Trace

__all__ = ["ANY", "Filter", "Node", "Predicate", "Trace", "regex_filter"]

"""The Python API of explanations, in its own module: most commands explain nothing."""

from firetower.store import explain
from firetower.store.store import Transactions, reads


class Explain(Transactions):
    """Why automations fired, or did not: from recorded events and the automations of then.

    `clock` writes the moments in the words; ISO 8601 unless given.
    """

    event = reads(explain.explain_event)
    runs = reads(explain.explain_runs)
    automation = reads(explain.explain_automation)

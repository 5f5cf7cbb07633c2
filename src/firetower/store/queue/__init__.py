"""The queue: events waiting for evaluation, and executions waiting to be sent.

Every function works inside the caller's transaction, so that a worker's cycle is one commit.
"""

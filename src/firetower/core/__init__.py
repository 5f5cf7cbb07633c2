"""Firetower's rules, as functions and values: no database, no network, no screen."""

"""Delivery: one HTTP request to an endpoint, and its answer."""

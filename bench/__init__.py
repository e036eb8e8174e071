"""Measurements of a node, beside a raw floor."""

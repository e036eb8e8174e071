"""Immutable image of the cluster and the deltas that move it."""

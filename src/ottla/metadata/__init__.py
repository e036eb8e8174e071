"""Immutable image of the cluster, the deltas that move it, and the keys and values they are read from."""

"""Decisions about topics, partitions and settings of the cluster."""

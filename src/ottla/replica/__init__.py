"""The leader's side of a partition: who may write, what may be read."""

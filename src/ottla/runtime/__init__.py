"""The machine under the node: clock, files, tasks, metrics, settings."""

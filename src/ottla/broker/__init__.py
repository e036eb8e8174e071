"""A node: listeners, dispatch, handlers."""

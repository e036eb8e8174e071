"""Ids and the error tree: the nouns every other package shares."""

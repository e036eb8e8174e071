"""Decisions about topics, partitions and settings of the cluster.

Each module decides one thing: given an :class:`~ottla.metadata.image.Image` and a request it returns a
:class:`~ottla.controller.decision.Decision` (what to write, and an answer for each item) and changes nothing.
:mod:`ottla.controller.driver` carries decisions out.
"""

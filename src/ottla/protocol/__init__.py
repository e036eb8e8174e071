"""Kafka's wire messages, generated, and the versions of them that are served.

:mod:`.api` is the way in: it names the APIs and decodes a request without ever raising anything but a
:class:`~ottla.model.errors.PeerError`. :mod:`.header` has the few bytes in front of every message, :mod:`.versions`
what this broker answers, :mod:`.messages` one generated module for each API, loaded when it is first needed.
"""

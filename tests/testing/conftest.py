"""The fixtures under test, also in a checkout that is not installed, whose plugin pytest does not know."""

from ottla.testing.plugin import _ottla_brokers, ottla_broker, ottla_topic

__all__ = ["_ottla_brokers", "ottla_broker", "ottla_topic"]

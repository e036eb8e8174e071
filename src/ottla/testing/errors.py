"""What a broker in a test raises on purpose; each text is one line that says what to do."""

from ottla.model.errors import OttlaError


class BrokerMisused(OttlaError):
    """The test asks for what cannot be: a broker that does not run, a value that is neither bytes nor text."""


class BrokerFailed(OttlaError):
    """The broker could not start; the text is the reason, as ``ottla serve`` would have printed it."""


class NothingCame(OttlaError, TimeoutError):
    """What was waited for did not happen in time; the text says how far it got."""

"""What each setting does, in our own words; loaded only for DescribeConfigs and the reference page."""

from .model import Setting


def describe(setting: Setting) -> str:
    """Return the description."""
    return setting.name

"""Which build this is: the sources as they are, or with the hot path compiled (decision 0007)."""

from importlib.util import find_spec


def build_kind() -> str:
    """Return ``pure Python`` or ``compiled``, without importing what was compiled."""
    spec = find_spec("ottla.record.walk")
    is_source = spec is None or spec.origin is None or spec.origin.endswith(".py")
    return "pure Python" if is_source else "compiled"

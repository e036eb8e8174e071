"""From text to typed value, as Kafka's ``ConfigDef.parse`` does it."""

from .model import Secret, Setting, SettingError, Type, Value
from .rules import ListOf

_BITS = {Type.SHORT: 15, Type.INT: 31, Type.LONG: 63}
_WANTED = {
    Type.BOOLEAN: "true or false",
    Type.SHORT: "a whole number",
    Type.INT: "a whole number",
    Type.LONG: "a whole number",
    Type.DOUBLE: "a number",
    Type.LIST: "a comma-separated list",
}
_JAVA_SPACE = "".join(map(chr, range(0x21)))
"""What ``String.trim`` takes off."""


def parse_value(setting: Setting, text: str) -> Value:
    """Return the typed value of ``text``; raise SettingError with Kafka's sentence if it is refused."""
    value = parse_type(setting.name, setting.type, text)
    if isinstance(setting.rule, ListOf) and isinstance(value, tuple):
        value = tuple(dict.fromkeys(value))  # doubles are dropped, not refused, when a text is read (KIP-1161)
    check_value(setting, value)
    return value


def check_value(setting: Setting, value: Value) -> None:
    """Raise :class:`SettingError` if a typed value breaks the setting's rule."""
    if setting.rule is not None:
        refusal = setting.rule.refusal(setting.name, value)
        if refusal is not None:
            raise SettingError(refusal)


def wanted(setting: Setting) -> str:
    """What may be given, in words that go after "give"."""
    if setting.rule is not None:
        return setting.rule.wanted
    return _WANTED.get(setting.type, "a text")


def parse_type(name: str, type: Type, text: str) -> Value:
    """Return ``text`` as a value of ``type``, unchecked by any rule."""
    trimmed = text.strip(_JAVA_SPACE)
    if type in _BITS:
        return _parse_whole(name, type, text, trimmed)
    if type is Type.BOOLEAN:
        lowered = trimmed.lower()
        if lowered in ("true", "false"):
            return lowered == "true"
        raise SettingError(f"Invalid value {text} for configuration {name}: Expected value to be either true or false")
    if type is Type.LIST:
        return split_list(trimmed)
    if type is Type.DOUBLE:
        return _parse_double(name, text, trimmed)
    if type is Type.PASSWORD:
        return Secret(trimmed)
    return trimmed


def split_list(text: str) -> tuple[str, ...]:
    """Return the members of a comma-separated list; an empty text is an empty list."""
    return tuple(member.strip() for member in text.split(",")) if text else ()


def _parse_whole(name: str, type: Type, text: str, trimmed: str) -> int:
    digits = trimmed[1:] if trimmed[:1] in ("+", "-") else trimmed
    if digits.isdecimal():
        value = int(trimmed)
        if -(1 << _BITS[type]) <= value < 1 << _BITS[type]:
            return value
    raise SettingError(f"Invalid value {text} for configuration {name}: Not a number of type {type.name}")


def _parse_double(name: str, text: str, trimmed: str) -> float:
    plain = trimmed[:-1] if trimmed[-1:] in ("d", "D", "f", "F") else trimmed
    letters = plain.lstrip("+-")
    if letters in ("NaN", "Infinity") or not letters.strip("0123456789.eE+-"):
        try:
            return float(plain)
        except ValueError:
            pass
    raise SettingError(f"Invalid value {text} for configuration {name}: Not a number of type DOUBLE")

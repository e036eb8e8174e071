"""From text to typed value and back, as Kafka's ``ConfigDef.parseType`` and ``convertToString`` do it."""

from .model import Secret, Setting, SettingError, Type, Value

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


def value_to_text(value: Value) -> str | None:
    """Return what stands for ``value`` in a properties file and in DescribeConfigs; None for a secret."""
    if value is None or isinstance(value, Secret):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _java_double(value)
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def _java_double(value: float) -> str:
    """``Double.toString``: plain between 0.001 and ten million, else one digit, a point, and an exponent."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = _shortest_scientific(value).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def _shortest_scientific(value: float) -> str:
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if float(text) == value:
            break
    return text

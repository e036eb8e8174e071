"""Generates the table of APIs: keys, names, versions, the module of each."""

from .catalogue import Catalogue
from .modules import JARS, generated_by
from .schema import snake_case


def api_table(catalogue: Catalogue) -> str:
    """Return the text of ``api_table.py``."""
    lines = [
        '"""All API keys of Kafka 4.2, and the APIs whose messages are here.',
        "",
        generated_by(JARS),
        '"""',
        "",
        "from enum import IntEnum",
        "from typing import Final",
        "",
        "",
        "class ApiKey(IntEnum):",
        '    """What a request is, in the first two bytes of its header."""',
        "",
    ]
    lines += [f"    {snake_case(name).upper()} = {key}" for key, name in catalogue.names.items()]
    lines += [
        "",
        "",
        "TABLE: Final[tuple[tuple[int, str, str, int, int, int | None], ...]] = (",
        "    # key, name, module, first version, last version, first flexible version",
    ]
    for api in catalogue.apis:
        versions = sorted(api.request.versions)
        assert versions == list(range(versions[0], versions[-1] + 1))
        flexible = min(api.request.flexible, default=None)
        assert api.request.flexible == {version for version in versions if flexible is not None and version >= flexible}
        lines.append(f'    ({api.key}, "{api.name}", "{api.module}", {versions[0]}, {versions[-1]}, {flexible}),')
    lines.append(")")
    return "\n".join(lines) + "\n"

"""JSON for programs: one document, or one object a line for what is a stream."""

import json
import sys
from typing import Any

from . import progress


def show_json(value: Any) -> None:
    """Print a document."""
    progress.end()
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def json_line(value: Any) -> str:
    """Return one line of a stream, without its line break."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""The command: write the file, or say whether it is as it would be written."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from tools.generate_dashboard.grafana import dashboard

FILE = Path(__file__).resolve().parents[2] / "dashboards" / "ottla.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file differs")
    options = parser.parse_args(arguments)
    text = json.dumps(dashboard(), indent=2) + "\n"
    if options.check:
        if not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            print(f"not as generated: {FILE}")
            return 1
        return 0
    FILE.write_text(text, encoding="utf-8")
    return 0

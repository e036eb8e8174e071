"""Ask Kafka's own record classes, in a Java process that reads questions and writes answers as JSON lines."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]

SOURCE = Path(__file__).with_name("Oracle.java")


def ask(jars: Path, questions: Iterable[JsonObject]) -> list[JsonObject]:
    """Return an answer for each question; ``jars`` is a folder with the jars of Kafka 4.2."""
    text = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(
        ["java", "-cp", f"{jars}/*", str(SOURCE)], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]

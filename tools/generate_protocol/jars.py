"""Kafka's jars: which ones, where they are found, and the message schemas inside them.

The schemas are resources of the jars that Apache Kafka publishes on Maven Central. A jar is pinned by version and
SHA-256; it is taken from the folder given with ``--jars``, else from ``.kafka`` (which ``make clients`` fills), else
from the local Maven repository, into which Maven fetches it if it is missing.
"""

import hashlib
import json
import os
import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCAL_REPOSITORY = Path.home() / ".m2" / "repository"
KAFKA_LIBS = Path(os.environ.get("OTTLA_KAFKA_LIBS") or Path(__file__).resolve().parents[2] / ".kafka" / "libs")
OLDER_LIBS = KAFKA_LIBS.parent / "older"
"""Beside the other folder, not in it: one class path must not hold two versions."""

FOLDER = "common/message/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One artifact of the group ``org.apache.kafka``."""

    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the file, in a folder of jars and in a Maven repository alike."""
        return f"{self.artifact}-{self.version}.jar"


CLIENTS = Jar(
    artifact="kafka-clients",
    version="4.2.0",
    sha256="bcf39f152c5553c2501a491fc4a73c5b0330741e8eed96a481323b8ee89738af",
)
OLDER_CLIENTS = Jar(
    artifact="kafka-clients",
    version="3.9.1",
    sha256="7568b998572d256f0b7bc0afdc1b7a2588b8b08415c62ce314c864a6851ae9d9",
)
GROUP_COORDINATOR = Jar(
    artifact="kafka-group-coordinator",
    version="4.2.0",
    sha256="6038093c1823c622a71825297aa03881d66b7df15213cb3a5e930cc36c32d1fb",
)
TRANSACTION_COORDINATOR = Jar(
    artifact="kafka-transaction-coordinator",
    version="4.2.0",
    sha256="1f337382004c3f0213845af939564aeb87f5973d0cce42b912e2d5b8dcf80b69",
)
SHARE_COORDINATOR = Jar(
    artifact="kafka-share-coordinator",
    version="4.2.0",
    sha256="0f5f3e3561c8102a4f45399d028a36e70e7947cb1393cd98394e22ed7618852e",
)
PINNED = (CLIENTS, OLDER_CLIENTS, GROUP_COORDINATOR, TRANSACTION_COORDINATOR, SHARE_COORDINATOR)


def places(jar: Jar, folder: Path | None = None) -> list[Path]:
    """Return where a jar may be, in the order in which it is looked for."""
    in_repository = LOCAL_REPOSITORY / "org" / "apache" / "kafka" / jar.artifact / jar.version / jar.file_name
    folders = [folder, KAFKA_LIBS, OLDER_LIBS] if folder is not None else [KAFKA_LIBS, OLDER_LIBS]
    return [*(each / jar.file_name for each in folders), in_repository]


def is_here(jar: Jar) -> bool:
    """Whether a jar can be had without fetching it."""
    return any(place.exists() for place in places(jar))


def find(jar: Jar, folder: Path | None) -> Path:
    """Return the path of a jar whose content is the pinned one, fetching it if it is nowhere."""
    candidates = places(jar, folder)
    path = next((candidate for candidate in candidates if candidate.exists()), None)
    if path is None:
        fetch(jar)
        path = candidates[-1]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != jar.sha256:
        raise SystemExit(f"{path} has SHA-256 {digest}, not {jar.sha256}: it is not the release that was pinned")
    return path


def fetch(jar: Jar) -> None:
    """Have Maven put a jar into the local repository."""
    coordinates = f"org.apache.kafka:{jar.artifact}:{jar.version}"
    command = ["mvn", "-q", "-B", "dependency:get", f"-Dartifact={coordinates}", "-Dtransitive=false"]
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        raise SystemExit(f"{jar.file_name} is not here, and there is no mvn to fetch it: use --jars FOLDER") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"could not fetch {coordinates}: mvn ended with {error.returncode}") from None


def beside(prefixes: tuple[str, ...], folder: Path | None) -> list[Path]:
    """Return the jars whose names begin so, from the folder of jars; Kafka's JSON converters need Jackson."""
    if folder is None:
        raise SystemExit("use --jars FOLDER with a folder that holds all of Kafka's jars")
    return sorted(path for path in folder.glob("*.jar") if path.name.startswith(prefixes))


def read_schemas(path: Path) -> dict[str, dict[str, Any]]:
    """Return the schemas in a jar, by the name of the message."""
    schemas = {}
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith(FOLDER) and name.endswith(".json"):
                schema = parse(archive.read(name).decode())
                schemas[schema["name"]] = schema
    return schemas


_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def parse(text: str) -> dict[str, Any]:
    """Return the object in a text of JSON with comments."""
    bare = _STRING_OR_COMMENT.sub(lambda match: match[0] if match[0].startswith('"') else " ", text)
    schema: dict[str, Any] = json.loads(bare)
    return schema

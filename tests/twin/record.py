"""Record the exchanges from Apache Kafka: ``python -m tests.twin.record [AREA...] [--folder FOLDER]``.

Needs Java and Kafka's jars (``make clients``). Each area gets a fresh node of its own.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.harness.node import KafkaNode
from tests.harness.target import java_missing
from tests.twin.exchanges import module_names, run, save, settings


def main() -> int:
    """Record the areas that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA")
    parser.add_argument("--folder", type=Path, default=None, help="where the nodes keep their data")
    arguments = parser.parse_args()
    if (reason := java_missing()) is not None:
        print(reason, file=sys.stderr)
        return 2
    broken = 0
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="twin-") as folder:
        for name in arguments.areas or module_names():
            node = KafkaNode(Path(folder) / name, settings(name), template=Path(folder) / "formatted")
            try:
                found = run(name, node.start(timeout_s=90))
            finally:
                node.close()
            for title, exchanges in found.items():
                if exchanges and "broken" in exchanges[-1]:
                    broken += 1
                    print(f"{name}/{title}: {exchanges[-1]['broken']}", file=sys.stderr)
            save(name, found)
            print(f"{name}: {sum(map(len, found.values()))} exchanges")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

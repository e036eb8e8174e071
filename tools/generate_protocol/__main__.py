"""Run the generator: ``python tools/generate_protocol [--check] [--jars FOLDER]``."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tools.generate_protocol.command import main

    sys.exit(main())

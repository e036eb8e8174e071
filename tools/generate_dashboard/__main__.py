"""Write ``dashboards/ottla.json``: ``python tools/generate_dashboard [--check]``.

A query is changed in ``panels.py``; ``tests/docs/test_dashboard.py`` holds each against what a node tells.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tools.generate_dashboard.command import main

    sys.exit(main())

"""Settings that only Ottla has; their names begin with ``ottla.``.

To add one: a row here, a description in ``descriptions_ottla.py``, and the reference page made anew.
"""

from .model import Setting
from .vocabulary import MEDIUM, STRING

OTTLA = (Setting("ottla.metadata.dir", STRING, None, MEDIUM),)

"""What mypyc is told where it cannot see for itself; without it nothing here has a meaning (decision 0007).

The compiler knows its decorators by the package ``mypy_extensions``, which nobody needs to run Ottla.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr as mypyc_attr
else:

    def mypyc_attr(**_said):
        """Leave a class as it is."""
        return lambda cls: cls

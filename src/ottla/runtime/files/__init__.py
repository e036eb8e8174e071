"""The disk as an argument: files, folders and locks, real and simulated.

Everything that Ottla keeps on a disk goes through the two small protocols of :mod:`.port`. :class:`RealFiles`
is the operating system with a bounded pool of descriptors; its twin
:class:`~ottla.runtime.files.memory.MemoryFiles` (not imported here: a node does not need it) keeps only what
was fsynced when a test pulls the plug.
"""

from .port import Buffer, File, Files, Lock
from .real import RealFiles

__all__ = ["Buffer", "File", "Files", "Lock", "RealFiles"]

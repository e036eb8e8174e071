"""The embedded store's file: one SQLite database, ``metadata.db``.

Everything here blocks, and runs in one thread at a time.

``entry`` has the keys as they stand, ``history`` every change since the last compaction (a NULL value is a deletion),
``compaction`` up to where the history is gone. The store's revision is the highest that history or compaction knows,
so it never goes back, whatever was deleted. The journal is a write-ahead log and every commit is synced
(``synchronous=FULL``): what a transaction answered survives the power cut. Locking is exclusive for as long as the file
is open; a second process is refused.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ottla.model.errors import OperatorError

from .interface import Compare, Delete, DeletePrefix, Event, KeyValue, Operation, Put, TransactResult

FILE_NAME = "metadata.db"
APPLICATION_ID = 0x4F74746C
SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE entry (key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, lease INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX leased ON entry (lease) WHERE lease != 0;
CREATE TABLE history (revision INTEGER NOT NULL, key TEXT NOT NULL, value BLOB, PRIMARY KEY (revision, key))
    WITHOUT ROWID;
CREATE TABLE compaction (revision INTEGER NOT NULL);
INSERT INTO compaction VALUES (0);
"""

_PUT = "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)"
_LOG = "INSERT INTO history VALUES (?, ?, ?)"


def prefix_end(prefix: str) -> str:
    """Return the first text after all that begins with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


class SqliteTable:
    """The open file. ``revision`` counts uncommitted writes too; :meth:`rollback` takes them back."""

    def __init__(self, directory: str, *, history_limit: int) -> None:
        path = Path(directory).absolute() / FILE_NAME
        self.path = str(path)
        self._history_limit = history_limit
        self._connection = _connect(path)
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            raise _operator_error(path, error) from error
        except OperatorError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA temp_store = MEMORY")
        execute("BEGIN IMMEDIATE")
        application_id = execute("PRAGMA application_id").fetchone()[0]
        version = execute("PRAGMA user_version").fetchone()[0]
        if not application_id and not execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA.split(";"):
                execute(statement)
            execute(f"PRAGMA application_id = {APPLICATION_ID}")
            execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif application_id != APPLICATION_ID:
            raise OperatorError(
                f"{self.path} is not Ottla's metadata but another program's database: name another folder"
                " with ottla.metadata.dir"
            )
        elif version > SCHEMA_VERSION:
            raise OperatorError(f"{self.path} was written by a newer Ottla: start that, or restore a copy from before")
        self.compacted: int = execute("SELECT revision FROM compaction").fetchone()[0]
        self.revision: int = max(
            self.compacted, execute("SELECT coalesce(max(revision), 0) FROM history").fetchone()[0]
        )
        self._drop_leases()
        execute("COMMIT")
        self._durable = (self.revision, self.compacted)

    def _drop_leases(self) -> None:
        # Leases live in the process that held them: whoever opens the file finds them expired.
        keys = [row[0] for row in self._connection.execute("SELECT key FROM entry WHERE lease != 0")]
        self.apply([Delete(key) for key in keys])

    def begin(self) -> None:
        """Begin to write."""
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make everything since :meth:`begin` durable."""
        self._connection.execute("COMMIT")
        self._durable = (self.revision, self.compacted)

    def rollback(self) -> None:
        """Take back everything since :meth:`begin`."""
        self.revision, self.compacted = self._durable
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Fold the write-ahead log into the file and let it go."""
        self._connection.close()

    def get(self, key: str) -> KeyValue | None:
        """Return one key, or None."""
        row = self._connection.execute("SELECT key, value, revision FROM entry WHERE key = ?", (key,)).fetchone()
        return None if row is None else KeyValue(*row)

    def get_range(self, prefix: str) -> tuple[list[KeyValue], int]:
        """Return the keys under ``prefix`` and the revision."""
        if prefix:
            rows = self._connection.execute(
                "SELECT key, value, revision FROM entry WHERE key >= ? AND key < ?", (prefix, prefix_end(prefix))
            )
        else:
            rows = self._connection.execute("SELECT key, value, revision FROM entry")
        return [KeyValue(*row) for row in rows], self.revision

    def history(self, prefix: str, from_revision: int) -> list[Event]:
        """Return what happened under ``prefix`` from a revision on."""
        rows = self._connection.execute(
            "SELECT key, value, revision FROM history WHERE revision >= ? ORDER BY revision, key", (from_revision,)
        )
        return [Event(*row) for row in rows if row[0].startswith(prefix)]

    def transact(
        self, compares: Sequence[Compare], operations: Sequence[Operation]
    ) -> tuple[TransactResult, list[Event]]:
        """Write all of ``operations`` if every comparison holds."""
        for key, revision in compares:
            row = self._connection.execute("SELECT revision FROM entry WHERE key = ?", (key,)).fetchone()
            if (0 if row is None else row[0]) != revision:
                return TransactResult(False, self.revision), []
        events = self.apply(operations)
        return TransactResult(True, self.revision), events

    def apply(self, operations: Sequence[Operation]) -> list[Event]:
        """Write ``operations`` as one revision; return what changed."""
        revision = self.revision + 1
        events: list[Event] = []
        puts: list[tuple[str, bytes, int, int]] = []
        for operation in operations:
            match operation:
                case Put(key, value, lease_id):
                    puts.append((key, value, revision, lease_id))
                    events.append(Event(key, value, revision))
                case Delete(key):
                    if self._connection.execute("DELETE FROM entry WHERE key = ?", (key,)).rowcount:
                        events.append(Event(key, None, revision))
                case DeletePrefix(prefix):
                    bounds = (prefix, prefix_end(prefix))
                    keys = self._connection.execute("SELECT key FROM entry WHERE key >= ? AND key < ?", bounds)
                    events.extend(Event(row[0], None, revision) for row in keys)
                    self._connection.execute("DELETE FROM entry WHERE key >= ? AND key < ?", bounds)
        assert len({event.key for event in events}) == len(events), "one key written twice in one transaction"
        if events:
            self._connection.executemany(_PUT, puts)
            self._connection.executemany(_LOG, [(revision, event.key, event.value) for event in events])
            self.revision = revision
            if revision - self.compacted >= 2 * self._history_limit:
                self.compact(revision - self._history_limit)
        return events

    def leased(self, lease_id: int) -> list[str]:
        """Return the keys that were written under a lease."""
        rows = self._connection.execute("SELECT key FROM entry WHERE lease = ? AND lease != 0", (lease_id,))
        return [row[0] for row in rows]

    def compact(self, revision: int) -> None:
        """Forget the history up to ``revision``."""
        revision = min(revision, self.revision)
        if revision > self.compacted:
            self._connection.execute("DELETE FROM history WHERE revision <= ?", (revision,))
            self._connection.execute("UPDATE compaction SET revision = ?", (revision,))
            self.compacted = revision


def _connect(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Settings may hold passwords: the file is its owner's alone from its first moment on.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except OSError as error:
        raise OperatorError(
            f"cannot write the metadata {path}: {error.strerror}. Mend its permissions or name another folder"
            " with ottla.metadata.dir"
        ) from error
    except sqlite3.Error as error:
        raise _operator_error(path, error) from error


def _operator_error(path: Path, error: sqlite3.Error) -> OperatorError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return OperatorError(f"the metadata {path} is in use by another node: stop it, or name another folder")
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return OperatorError(f"the metadata {path} is corrupt ({error}): restore it from a copy, or move it away")
    return OperatorError(
        f"cannot use the metadata {path}: {error}. Mend it or name another folder with ottla.metadata.dir"
    )

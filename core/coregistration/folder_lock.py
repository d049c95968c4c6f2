"""One run at a time in a folder: a file that names the process that works there."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
import uuid

from ..errors import OutputError
from ..raster.writing import prepare_folder

LOCK = "tiles.lock"
PATIENCE, PAUSE = 1.0, 0.05  # seconds: as long a holder may take to write its name into the file that it made
_held: set = set()
"""The tokens of this process: a lock with its process id and another token is of an earlier process."""


class FolderLock:
    """Keeps a second run out of a folder while the first one works there: use as a context manager.

    The file is made with O_EXCL, which network file systems honour, too, and holds the process, its host and a token.
    A lock whose process on this host is dead is taken over. Raises OutputError where another run holds it.
    """

    def __init__(self, folder: str):
        self._folder, self._path = folder, os.path.join(folder, LOCK)
        self._own = {"pid": os.getpid(), "host": platform.node(), "started": _started(os.getpid()),
                     "token": uuid.uuid4().hex}
        self._file = None

    def __enter__(self) -> FolderLock:
        prepare_folder(self._path)
        _held.add(self._own["token"])
        try:
            while not self._made():
                holder = _holder(self._path)
                if holder is not None:
                    raise OutputError(
                        f"OUTPUT is in use: process {holder.get('pid', '?')} on {holder.get('host', 'another host')} "
                        f"writes tiles into {self._folder}; wait for it, choose another folder, or remove {LOCK} there "
                        "if no such run exists.")
        except OutputError:
            _held.discard(self._own["token"])
            raise
        return self

    def __exit__(self, *_) -> None:
        _held.discard(self._own["token"])
        self._file.close()
        if _read(self._path) == self._own:
            os.remove(self._path)

    def _made(self) -> bool:
        """True where the file is ours now, False where there is one."""
        try:
            handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        except OSError as error:
            raise OutputError(f"Cannot write {self._path}: {error.strerror}. Choose a folder that can be "
                              "written.") from error
        # Open as long as we hold it: Windows lets nobody remove a file that is open.
        self._file = os.fdopen(handle, "w", encoding="utf-8")
        try:
            self._file.write(json.dumps(self._own))
            self._file.flush()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.close()
            os.remove(self._path)
            raise OutputError(f"Cannot write {self._path}: {error.strerror}. Is the disk full?") from error
        return True


def _read(path: str) -> dict:
    """What a lock says; {} where that is nothing."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return _said(file)
    except OSError:
        return {}


def _said(file) -> dict:
    file.seek(0)
    try:
        found = json.loads(file.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _holder(path: str) -> dict | None:
    """Who holds a lock; None where nobody does any more, and the file of a dead process is gone."""
    holder: dict = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            _claim(file)
            holder = _said_in_time(file)
            if not _abandoned(holder):
                return holder
            if os.name != "nt":
                if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    os.remove(path)
                return None
        os.remove(path)  # Windows: not while it is open here, and never while its holder has it open
    except FileNotFoundError:
        return None
    except PermissionError:
        return holder
    return None


def _claim(file) -> None:
    """Of several runs that look at one lock, one at a time may take it away; a file system may not know of this."""
    if os.name == "nt":
        return
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)


def _said_in_time(file) -> dict:
    """`_said` of a file that its holder has had the time to write."""
    deadline = time.monotonic() + PATIENCE
    while not (found := _said(file)) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return found


def _abandoned(holder: dict) -> bool:
    """True where the holder's process is known to be gone; on Windows where it may be, for its file tells."""
    if not holder:
        return True  # killed before it wrote its name
    if holder.get("host") != platform.node() or not isinstance(holder.get("pid"), int):
        return False
    pid = holder["pid"]
    if pid == os.getpid():
        return holder.get("token") not in _held
    return os.name == "nt" or not _alive(pid) or holder.get("started") != _started(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _started(pid: int) -> str:
    """When a process began, as the kernel counts, "" where it does not tell: process ids are used again."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""

"""Write beside the output under another name, then rename: whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from pathlib import Path

from tconv.media.errors import MediaError


class Replacement:
    """Temporary files beside `path`, one of which takes its name in the end.

    A symbolic link is followed, so that the file it names is the one replaced.

    Parameters
    ----------
    path
        The output.
    force
        Whether an existing file may be replaced.
    """

    def __init__(self, path: Path, *, force: bool) -> None:
        self.path = path
        self._force = force
        self._temporary: list[Path] = []
        try:
            self._target = path.resolve()
        except (OSError, RuntimeError):
            raise MediaError(f"cannot write {path}: its links lead nowhere") from None
        self._check()

    def _check(self) -> None:
        folder = self._target.parent
        try:
            mode = self._target.stat().st_mode
        except FileNotFoundError:
            if not folder.is_dir():
                raise MediaError(f"cannot write {self.path}: there is no folder {folder}") from None
        except OSError as error:
            raise MediaError(f"cannot write {self.path}: {error.strerror}") from None
        else:
            if stat.S_ISDIR(mode):
                raise MediaError(f"cannot write {self.path}: it is a folder")
            if not stat.S_ISREG(mode):
                raise MediaError(f"cannot write {self.path}: it is not a regular file")
            if not self._force:
                raise MediaError(f"{self.path} exists; use --force, or force=True, to replace it")
            if not os.access(self._target, os.W_OK):
                raise MediaError(f"cannot write {self.path}: it is read-only")
        if not os.access(folder, os.W_OK):
            raise MediaError(f"cannot write {self.path}: the folder {folder} is read-only")

    def temporary(self) -> Path:
        """Return a fresh name beside the output; what is written there is removed by `discard`."""
        name = f".{self._target.name[:50]}.{secrets.token_hex(4)}.tmp"
        self._temporary.append(self._target.with_name(name))
        return self._temporary[-1]

    def reserve(self, size: int) -> None:
        """Refuse now what would fill the disc after hours of work.

        Parameters
        ----------
        size
            Bytes that the strips take, uncompressed.
        """
        folder = self._target.parent
        free = shutil.disk_usage(folder).free
        if size > free:
            raise MediaError(
                f"cannot write {self.path}: no space left on {folder} for "
                f"{size / 2**30:.3g} GiB, {free / 2**30:.3g} GiB are free"
            )

    def commit(self, temporary: Path) -> None:
        """Put a complete temporary file in the output's place."""
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        self._check()
        if self._target.exists():
            shutil.copymode(self._target, temporary)
        temporary.replace(self._target)

    def discard(self) -> None:
        """Remove whatever temporary files are left."""
        for temporary in self._temporary:
            temporary.unlink(missing_ok=True)


def no_space(error: Exception, folder: Path | None = None) -> bool:
    """Tell whether a disc is full, by what `error` says or by the room left on `folder`."""
    if getattr(error, "errno", None) == errno.ENOSPC or os.strerror(errno.ENOSPC) in str(error):
        return True
    try:
        return folder is not None and shutil.disk_usage(folder).free < 1 << 16
    except OSError:
        return False

"""One pinned package out of the registry, by the package client of this environment.

pip if it is there, else uv: an environment made by uv has no pip.  Which registry, proxy and
certificates to use is theirs to know, so nothing of that is asked for or shown here.
"""

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_POLL_S = 0.2
_FULL = re.compile(r"no space left|errno 28|os error 28|disk quota", re.IGNORECASE)
_WRONG_HASH = re.compile(r"do not match the hashes|hash mismatch", re.IGNORECASE)
_NO_NETWORK = re.compile(
    r"connection|connect|resolution|resolve|dns|network|timed out|timeout|proxy|ssl|certificate",
    re.IGNORECASE,
)


class PackageError(Exception):
    """The package client did not bring the package.  `detail` says what happened, then what to do.

    `again` tells whether another try can help.
    """

    def __init__(self, detail: str, *, again: bool = True) -> None:
        super().__init__(detail)
        self.detail, self.again = detail, again


def bring(requirement: str, sha256: str, folder: Path, report: Callable[[int], None]) -> None:
    """Fetches the wheel `requirement` (`name==version`) into the empty `folder`.

    Blocks.  `report` is called several times a second with the bytes there so far; what it raises
    stops the client.  Everything written stays inside `folder`, which the caller removes.

    Raises:
        PackageError: no client, no network, another hash than `sha256`, no such package.
        OSError: the disk is full.
    """
    listed = folder / "requirements.txt"
    listed.write_text(f"{requirement} --hash=sha256:{sha256}\n", "utf-8")
    said = folder / "said.txt"
    with said.open("wb") as log:
        # `env` because the client would else unpack in the system's own temporary folder, which
        # may be small, and leave a part there when it is killed.
        command = ["/usr/bin/env", f"TMPDIR={folder}", *_client(listed, folder)]
        with subprocess.Popen(  # noqa: S603  every argument is ours
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as client:
            try:
                report(0)
                while not _ended(client):
                    report(_bytes_in(folder))
            except BaseException:
                client.kill()
                raise
    if client.returncode:
        raise _failure(requirement, said.read_text("utf-8", "replace"))


@contextmanager
def opened(member: str, folder: Path) -> Iterator[IO[bytes]]:
    """The file `member` of the package that `bring` put into `folder`, open for reading.

    Raises:
        PackageError: the package has no such file.
    """
    unpacked = _target(folder) / member
    if unpacked.is_file():
        with unpacked.open("rb") as file:
            yield file
        return
    for wheel in _target(folder).glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            if member in archive.namelist():
                with archive.open(member) as file:
                    yield file
                return
    raise PackageError(f"The package holds no file {member}.", again=False)


def _client(listed: Path, folder: Path) -> list[str]:
    common = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(listed)]
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        again = ["--no-input", "--no-cache-dir", "--retries", "1"]
        return [*pip, *again, *common, "--dest", str(_target(folder))]
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")
    if uv is None:
        raise PackageError(
            "There is neither pip nor uv in this environment to fetch packages with;"
            f" install one (`{sys.executable} -m ensurepip`), then try again.",
            again=False,
        )
    install = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    return [*install, "--cache-dir", str(folder / "c"), *common, "--target", str(_target(folder))]


def _target(folder: Path) -> Path:
    return folder / "out"


def _ended(client: "subprocess.Popen[bytes]") -> bool:
    try:
        client.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # the client moves and removes files while we look
            continue
    return total


def _failure(requirement: str, said: str) -> PackageError | OSError:
    if _FULL.search(said):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if _WRONG_HASH.search(said):
        return PackageError(
            f"The registry's {requirement} is not the file that geminid was made with"
            " (another SHA-256), so it was not used; try another registry or mirror.",
            again=False,
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1][:200] if lines else "it said nothing"
    if _NO_NETWORK.search(said):
        return PackageError(
            f"The package registry cannot be reached for {requirement};"
            f" check the network and proxy, then try again. ({last})"
        )
    return PackageError(
        f"The package client could not fetch {requirement}; check that the registry has it,"
        f" then try again. ({last})"
    )

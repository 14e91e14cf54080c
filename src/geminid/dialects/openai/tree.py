"""Decoded JSON objects, which never leave this dialect."""

from typing import TypeAlias

Tree: TypeAlias = dict[str, object]

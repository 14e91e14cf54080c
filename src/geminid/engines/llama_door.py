"""Where a local model listens: a unix socket and the file with its key, both of this run only."""

import hashlib
import os
import secrets
from pathlib import Path

import msgspec

from geminid.config import Channel


class Door(msgspec.Struct, frozen=True):
    """The socket of one model's process, and the file that holds the key it asks for.

    Both lie in the run's own folder, which only its owner may enter.
    """

    socket: Path
    key_file: Path

    def key(self) -> str:
        """The key.

        Raises:
            OSError: nobody has made one: no process was started for this channel.
        """
        return self.key_file.read_text("ascii")

    def make_key(self) -> str:
        """Writes a new key that only this user can read, and returns it."""
        key = secrets.token_urlsafe(32)
        part = self.key_file.with_suffix(".new")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key)
        part.replace(self.key_file)
        return key


def door(runtime_dir: str | Path, channel: Channel) -> Door:
    """The door of the model of `channel`.

    Each way to run a model has its own door, so that the old and the new one are there side by side
    after a reload.  The supervisor and the engine find the same one, each from the channel.

    The file names are short whatever the channel is called: a socket's path may have some hundred
    bytes in all.
    """
    model = (channel.name, channel.weights, channel.context, channel.slots)
    name = hashlib.sha256(msgspec.json.encode(model)).hexdigest()[:12]
    folder = Path(runtime_dir)
    return Door(folder / f"{name}.sock", folder / f"{name}.key")

"""The keys of a home: made once also by many, and ciphers that keep purposes apart."""

import subprocess
import sys
from pathlib import Path

import msgspec

from geminid.stores.keyring import FILE, Cipher, memory_keyring, open_keyring
from tests.stores.samples import ROOT, StillClock

DAY = 86_400.0


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    """Each would lose what it encrypted under a key that another one's file has not."""
    script = (
        "import sys; from pathlib import Path\n"
        "from geminid.stores.keyring import open_keyring\n"
        "from tests.stores.samples import StillClock\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(open_keyring(Path(sys.argv[1]), StillClock()).newest.hex())\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "home")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    made = {child.communicate(timeout=30)[0] for child in children}

    keys = msgspec.json.decode((tmp_path / "home" / FILE).read_bytes())["keys"]
    assert made == {f"{key['id']}\n" for key in keys}
    assert len(made) == 1


def test_the_oldest_key_stays_the_oldest(tmp_path: Path) -> None:
    """Also when the clock goes back behind it: what is derived from it must not change."""
    clock = StillClock()
    first = open_keyring(tmp_path, clock)
    clock.at += 91 * DAY
    rotated = open_keyring(tmp_path, clock)
    clock.at -= 500 * DAY
    back = open_keyring(tmp_path, clock)

    assert first.oldest == rotated.oldest == back.oldest
    assert len({first.newest, rotated.newest, back.newest}) == 3


def test_a_key_that_came_later_is_read_when_it_is_met(tmp_path: Path) -> None:
    clock = StillClock()
    here = Cipher(open_keyring(tmp_path, clock))
    clock.at += 91 * DAY
    there = Cipher(open_keyring(tmp_path, clock))

    assert here.decrypt(there.encrypt(b"plain", b"bound"), b"bound") == b"plain"


def test_a_file_that_broke_later_costs_only_what_is_not_known(tmp_path: Path) -> None:
    cipher = Cipher(open_keyring(tmp_path, StillClock()))
    mine = cipher.encrypt(b"plain", b"")
    (tmp_path / FILE).write_bytes(b"{}")

    assert cipher.decrypt(b"\0\0\0\0" + mine[4:], b"") is None
    assert cipher.decrypt(mine, b"") == b"plain"
    (tmp_path / FILE).unlink()
    assert cipher.decrypt(b"\0\0\0\0" + mine[4:], b"") is None


def test_purposes_do_not_read_each_other() -> None:
    ring = memory_keyring()
    one, other = Cipher(ring, b"one"), Cipher(ring, b"other")

    encrypted = one.encrypt(b"plain", b"bound")

    assert Cipher(ring, b"one").decrypt(encrypted, b"bound") == b"plain"
    assert one.decrypt(encrypted, b"elsewhere") is None
    assert other.decrypt(encrypted, b"bound") is None
    assert Cipher(ring).decrypt(encrypted, b"bound") is None
    assert all(one.decrypt(encrypted[:cut], b"bound") is None for cut in range(len(encrypted)))

"""The process of one local model: llama.cpp's own HTTP server on a unix socket.

Run by `processes.llama`, never by hand.  Follows `processes.child`: a `Load` on stdin, `ready` on
stdout, gone when stdin closes.
"""

import os
import signal
import sys
from pathlib import Path

import msgspec

_HTTP_THREADS = 128  # one for each open connection; a caller waits in `engines.llama`, not here
_BATCH = (
    128  # a prompt is read in pieces of this many tokens: under a second here, which is how long
)
# other answers pause for it and how long it goes on after its caller left (2048, the default: 7 s)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to load, and where to answer.

    `context` counts tokens per slot.  `threads` 0 means one less than there are processors, which
    leaves one to the server that passes the tokens on.  `cache_mib`
    bounds the memory that holds prompts of slots taken over by others.
    """

    model: str
    alias: str
    socket: str
    key: str
    context: int
    slots: int
    threads: int = 0
    cache_mib: int = 256


def main() -> int:
    """Serves until stdin closes.  Anything llama.cpp prints goes to stderr: our log."""
    load = msgspec.json.decode(sys.stdin.buffer.readline(), type=Load)
    for what in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A service manager sends these to every process; answers that drain still need the model.
        signal.signal(what, signal.SIG_IGN)
    ready = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        _server = _serve(load)  # it answers from threads of its own for as long as it is held
    except RuntimeError as error:
        print(f"llama.cpp does not start: {error}", file=sys.stderr)  # noqa: T201  our log
        return 1
    os.write(ready, b"ready\n")
    os.close(ready)
    sys.stdin.buffer.read()
    os._exit(0)  # not politely: the model has no state, and answers may still be running


def _serve(load: Load) -> object:
    """The running server; it lives as long as the returned object."""
    from xllamacpp import CommonParams, Server

    Path(load.socket).unlink(missing_ok=True)  # the one of a process that was killed
    params = CommonParams()
    params.model.path = load.model
    params.model_alias = {load.alias}
    params.hostnames = [load.socket]
    params.api_keys = [load.key]
    params.n_parallel = load.slots
    params.n_ctx = load.context * load.slots
    params.n_batch = params.n_ubatch = _BATCH
    params.n_threads_http = _HTTP_THREADS
    params.cache_ram_mib = load.cache_mib
    params.sse_ping_interval = -1  # a comment in the stream tells us nothing
    params.ui = False
    params.verbosity = 1  # errors only: its warnings come with every request
    # A thread more than processors are free makes every token wait for the scheduler, and llama.cpp
    # spins while it waits: with both cores busy, eight answers took 122 s so, and 7 s like this.
    params.cpuparams.n_threads = load.threads or max(1, _processors() - 1)
    params.cpuparams.poll = 0
    return Server(params)


def _processors() -> int:
    """How many processors this process may use; a container may have fewer than the machine."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS does not tell
        return os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())

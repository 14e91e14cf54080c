"""What a proxy adds to one call's time: one connection, direct and proxied in turn."""

from bench.client import Connection, whole
from bench.figures import Added, added
from bench.wire import Call


def answers(direct: Call, proxied: Call, ports: tuple[int, int], pairs: int) -> Added:
    """Time to the end of a whole answer.  `ports` are the upstream's and the proxy's.

    Raises:
        Invalid: an answer was not a good one.
    """
    return _in_turn((direct, proxied), ports, pairs, moment=1)


def first_bytes(direct: Call, proxied: Call, ports: tuple[int, int], pairs: int) -> Added:
    """Time to the first byte of the body.  Raises as `answers`."""
    return _in_turn((direct, proxied), ports, pairs, moment=0)


def _in_turn(calls: tuple[Call, Call], ports: tuple[int, int], pairs: int, *, moment: int) -> Added:
    plain: list[float] = []
    through: list[float] = []
    with Connection(ports[0]) as upstream, Connection(ports[1]) as proxy:
        ways = ((upstream, calls[0], plain), (proxy, calls[1], through))
        for connection, call, _ in ways:
            whole(connection.call(call))  # so that every connection on the way is open
        for _ in range(pairs):
            for connection, call, times in ways:
                reply, *moments = connection.timed(call)
                whole(reply)
                times.append(moments[moment])
    return added(plain, through)

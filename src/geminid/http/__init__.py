"""ASGI in, ASGI out: paths, guards, bodies, and the border where a failure becomes an answer."""

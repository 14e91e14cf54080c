"""One request from start to end: who may ask, which channel answers, what is written down.

Sees engines and stores through `core.ports` alone.
"""

"""The language of the house: frozen values and ports that every other package speaks.

Nothing here does I/O, reads a clock, draws a random number or logs.  Import from the module that
holds the noun (`core.content`, `core.events`, `core.errors`, ...).
"""

"""The engine `script`: a model whose every word is written in a file (docs/reference/scripts.md).

`cue` finds the turn that a request is answered with, `turn` makes its events, `tokens` counts, and
`player` is the engine.  The file itself is read by `config`, which checks it with the rest.
"""

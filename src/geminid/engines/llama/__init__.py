"""A local model: llama.cpp's own server, in a process that the supervisor keeps alive.

Adds what a small model on one machine needs: it waits for a process that is starting, bounds every
answer, stops a loop, says which limit was met, and holds the model to JSON, to a choice or to
function calls by a grammar, so that its form never depends on how clever it is.
"""

from geminid.engines.llama.engine import SMOKE_TEST as SMOKE_TEST
from geminid.engines.llama.engine import Llama as Llama

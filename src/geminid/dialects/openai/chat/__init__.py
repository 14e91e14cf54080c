"""`/chat/completions` as callers speak it: what they ask, and what they are answered.

The neighbours of this package speak the same wire to an upstream.
"""

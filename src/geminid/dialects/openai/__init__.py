"""The OpenAI chat dialect: `/chat/completions` bodies, bytes to core and back.

Spoken upstream to any server that takes it; what such servers do differently is data (`flavor`).
"""

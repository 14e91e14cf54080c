"""The API's own rules, held before anything is sent anywhere, whatever engine answers.

The rules are data (`catalog/rules.toml`); here are the checks that they name, each a small function
of one request, and the book that goes through them.
"""

from geminid.pipeline.rules.book import Rulebook

__all__ = ["Rulebook"]

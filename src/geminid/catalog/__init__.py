"""Dated facts about models, and the rules of the API about them.

Data, never `if "pro" in name`.
"""

from geminid.catalog.loader import CatalogError, load, parse
from geminid.catalog.model import Budget, Catalog, Kind, Level, Model, Resolved
from geminid.catalog.rules import Models, Rule, load_rules, parse_rules

__all__ = [
    "Budget",
    "Catalog",
    "CatalogError",
    "Kind",
    "Level",
    "Model",
    "Models",
    "Resolved",
    "Rule",
    "load",
    "load_rules",
    "parse",
    "parse_rules",
]

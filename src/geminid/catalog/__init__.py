"""Dated facts about models: ids, limits, thinking, retirements.  Data, never `if "pro" in name`."""

from geminid.catalog.loader import CatalogError, load, parse
from geminid.catalog.model import Budget, Catalog, Kind, Level, Model, Resolved

__all__ = [
    "Budget",
    "Catalog",
    "CatalogError",
    "Kind",
    "Level",
    "Model",
    "Resolved",
    "load",
    "parse",
]

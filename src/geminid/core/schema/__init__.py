"""Schemas: as JSON Schema, within bounds, and as what a grammar can hold."""

from geminid.core.schema.bounds import check_bounds as check_bounds
from geminid.core.schema.looks import Looks as Looks
from geminid.core.schema.openapi import json_schema as json_schema
from geminid.core.schema.openapi import to_json_schema as to_json_schema
from geminid.core.schema.plan import Plan as Plan
from geminid.core.schema.plan import plan as plan
from geminid.core.schema.refs import Refs as Refs

"""Policy: an answer that ends STOP keeps to what it was asked for: its schema, and its tools."""

from geminid.pipeline.enforce.contract import Contract, contract_of
from geminid.pipeline.enforce.enforce import Enforcer

__all__ = ["Contract", "Enforcer", "contract_of"]

"""Policy: every signature that leaves is kept, and put back when it is lost (DESIGN section 3)."""

from geminid.pipeline.vault.keeping import Keeping
from geminid.pipeline.vault.watch import Watch

__all__ = ["Keeping", "Watch"]

"""The vaults that several tests of this folder open."""

from tests.stores.vaults import booked as booked
from tests.stores.vaults import vaults as vaults

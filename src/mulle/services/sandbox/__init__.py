"""Run code of users and models where it can do no harm.

`Sandbox` runs it, `available` says what locks this machine has.
"""

from mulle.services.sandbox.available import Availability, available
from mulle.services.sandbox.limits import Limits
from mulle.services.sandbox.service import CodeResult, Mode, Sandbox

__all__ = [
    "Availability",
    "CodeResult",
    "Limits",
    "Mode",
    "Sandbox",
    "available",
]

"""Run code of users and models where it can do no harm.

`Sandbox` runs it, `signature` reads its ports without running it, `available` says what locks this machine has.
"""

from mulle.services.sandbox.available import Availability, available
from mulle.services.sandbox.limits import Limits
from mulle.services.sandbox.service import CodeResult, Mode, Sandbox
from mulle.services.sandbox.signature import CodeSignature, Output, Parameter, signature

__all__ = [
    "Availability",
    "CodeResult",
    "CodeSignature",
    "Limits",
    "Mode",
    "Output",
    "Parameter",
    "Sandbox",
    "available",
    "signature",
]

"""Where DataJoint 2.3.5 is known to be wrong, and what is right instead.

A rule has its reason and says of which outcomes it speaks; anything else is a difference. Each run counts the uses of the rules.
"""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Rule:
    """A defect of the reference: its name, why, and whether it explains what was found."""

    name: str
    reason: str
    applies: Callable


RULES = []

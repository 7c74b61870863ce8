"""Other people's workflows in: Dify's exports, and the JSON of old chatbots. Nothing of them is run while reading."""

from dataclasses import dataclass

from mulle.document.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Imported:
    """A document that was made of somebody else's."""

    workflow: Workflow
    notes: tuple[str, ...]
    """What could not be carried over, or has to be done by hand, in sentences."""

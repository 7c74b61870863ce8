"""Pictures of graphs: as SVG, as Mermaid, as text. Knows labels, arrows and statuses, and nothing of what runs.

picture = picture_of(workflow, {"fetch": "succeeded"})    # or a Picture of boxes and arrows of your own
as_svg(picture), as_mermaid(picture), as_text(picture)
"""

from .mermaid import as_mermaid
from .picture import Arrow, Box, Picture, picture_of
from .svg import as_svg
from .text import as_text
from .words import width

__all__ = ["Arrow", "Box", "Picture", "as_mermaid", "as_svg", "as_text", "picture_of", "width"]

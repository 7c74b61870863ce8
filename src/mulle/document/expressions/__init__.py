"""The one small language of conditions and `{{ references }}`; docs/expressions.md is its manual.

It knows data (what JSON can say) and nothing of the host: no attribute, method or class of Python can be named in it.
Every refusal is an ExpressionError.
"""

from .evaluate import Expression, Lookup, evaluate, parse
from .functions import FUNCTIONS
from .template import Template, data_references, parse_template, render, render_data
from .tree import RESERVED_ROOTS, Reference
from .values import as_text, truth

__all__ = [
    "FUNCTIONS",
    "RESERVED_ROOTS",
    "Expression",
    "Lookup",
    "Reference",
    "Template",
    "as_text",
    "data_references",
    "evaluate",
    "parse",
    "parse_template",
    "render",
    "render_data",
    "truth",
]

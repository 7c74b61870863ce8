"""A document as a Python program that runs it: one file, with the document inside."""

from mulle.document.reading import write_yaml
from mulle.document.workflow import Workflow

_SCRIPT = '''"""{title}

Run it with its inputs: python {file} NAME=VALUE …
"""

import json
import sys

import mulle
from mulle.document.reading import read_workflow

WORKFLOW = {document}


def value(text):
    """An input: JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def main():
    inputs = {{name: value(text) for name, _, text in (one.partition("=") for one in sys.argv[1:])}}
    app = mulle.open()
    try:
        run = app.run_sync(read_workflow(WORKFLOW), inputs)
    finally:
        app.close_sync()
    told = {{"run_id": run.id, "status": run.status, "outputs": run.outputs, "error": run.error}}
    print(json.dumps(told, ensure_ascii=False))
    return 0 if run.status in ("succeeded", "waiting") else 1


if __name__ == "__main__":
    sys.exit(main())
'''


def as_script(workflow: Workflow, file: str = "workflow.py") -> str:
    """The program's text. Nothing of the document can become code in it: it stands there as one literal."""
    title = " ".join((workflow.name or "A Mulle workflow").split()).replace("\\", "/").replace('"', "'")
    return _SCRIPT.format(title=f"{title.rstrip('.')}.", file=file, document=_literal(write_yaml(workflow)))


def _literal(text: str) -> str:
    """A text as Python writes it, over several lines where that is safe."""
    plain = "\\" not in text and '"""' not in text and all(one.isprintable() or one == "\n" for one in text)
    return f'"""\n{text}"""' if plain and not text.endswith('"') else repr(text)

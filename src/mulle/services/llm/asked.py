"""Put a step's request into words for a model; the words are in `prompts/`. Knows no model and sends nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2s
from importlib.resources import files
from string import Template
from typing import Any

from mulle.services.llm.builtin import SENTENCES


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is told: its rules, and what it works on."""

    system: str
    user: str


def asked(request: Mapping[str, Any]) -> Asked:
    """The words for a request `{task, prompt, system, text, …}` as an `LlmService` takes it."""
    task, text = str(request.get("task", "generate")), str(request.get("text") or "")
    gaps = {
        "sentences": str(request.get("sentences") or SENTENCES),
        "labels": "\n".join(f"- {label}" for label in request.get("labels") or ()),
        "schema": json.dumps(request.get("schema"), ensure_ascii=False),
        "language": str(request.get("language") or ""),
        "fence": _fence(text),
    }
    wanted = {task: True, "json": bool(request.get("schema")), "language": bool(gaps["language"]), "material": text}
    rules = [str(request.get("system") or ""), *(_words(name, gaps) for name, said in wanted.items() if said)]
    material = f"<{gaps['fence']}>\n{text}\n</{gaps['fence']}>" if text else ""
    user = "\n\n".join(part for part in (str(request.get("prompt") or ""), material) if part)
    return Asked("\n\n".join(rule for rule in rules if rule), user or "Begin.")


def _fence(text: str) -> str:
    """A tag that the text cannot close, because it would have to hold its own hash."""
    return f"text-{blake2s(text.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


def _words(name: str, gaps: Mapping[str, str]) -> str:
    return _prompt(name).substitute(gaps).strip()


@cache
def _prompt(name: str) -> Template:
    return Template(files("mulle.services.llm").joinpath("prompts", f"{name}.md").read_text("utf-8"))

"""A person's word before the run goes on."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from mulle.document.expressions import as_text
from mulle.document.policies import Duration
from mulle.document.ports import Port, PortType, is_object
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import StepError
from mulle.sdk import Context, Done, Node, Settings, Wait

Decision = Literal["approved", "rejected"]

WORDS: dict[str, Decision] = {
    **dict.fromkeys(("approved", "approve", "yes", "ok", "true", "승인", "확인", "네", "예"), "approved"),
    **dict.fromkeys(("rejected", "reject", "no", "false", "거절", "반려", "거부", "아니오", "아니요"), "rejected"),
}
"""How people say it."""


class NobodyAnswered(StepError):
    """An approval's time ran out."""

    code = "approval.expired"
    message = "Nobody answered '{title}' in time."
    hint = "Give it longer (`expires`), or say with `on_expiry` what silence means."


class FormField(Settings):
    """One thing to fill in beside the decision."""

    name: str = Field(min_length=1)
    label: str = ""
    type: Literal["string", "number", "boolean"] = "string"
    required: bool = False
    options: list[str] = Field(default_factory=list[str])
    """The answers to choose from; empty: any."""


class Approval(Node):
    """Ask a person; the run goes on at `approved` or at `rejected`."""

    type = "approval"
    title = {"en": "Approval", "ko": "승인"}

    class Config(Settings):
        title: str = ""
        """The question in a few words."""
        message: str = ""
        """What a person should know to decide."""
        show: Any = None
        """Data to show with it."""
        form: list[FormField] = Field(default_factory=list[FormField])
        """What to fill in beside the decision; it is at the port `values`."""
        expires: Duration | None = 7 * 86400.0
        """How long the question stands; null: for ever."""
        on_expiry: Literal["rejected", "approved", "fail"] = "rejected"
        """What silence means."""

    class Inputs(BaseModel):
        show: Any = None
        """Comes before the setting."""

    class Outputs(BaseModel):
        decision: str
        comment: str
        by: str
        """Who answered; empty when nobody did."""
        values: dict[str, Any]
        expired: bool

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done | Wait:
        if ctx.memo is None:
            until = None if config.expires is None else ctx.now + config.expires
            return self._ask(config, inputs, until)
        if ctx.signal is None:
            if config.on_expiry == "fail":
                raise NobodyAnswered(title=config.title)
            return _answered(config.on_expiry, {}, {}, expired=True)
        payload: Any = ctx.signal.get("payload")
        answer = payload if is_object(payload) else {"decision": payload}
        decision = WORDS.get(as_text(answer.get("decision")).strip().lower())
        filled = answer.get("values")
        values = filled if is_object(filled) else {}
        problem = "The decision is approved or rejected." if decision is None else wrong_value(config.form, values)
        if decision is None or (problem and decision == "approved"):
            return self._ask(config, inputs, ctx.memo["until"], problem)
        return _answered(decision, answer, values)

    def signature(self, spec: NodeSpec) -> Signature:
        signature = super().signature(spec)
        branches = tuple(Port(name=name, type=PortType.BOOLEAN, branch=True) for name in ("approved", "rejected"))
        return replace(signature, outputs=(*branches, *signature.outputs))

    @staticmethod
    def _ask(config: Config, inputs: Inputs, until: float | None, problem: str = "") -> Wait:
        """Wait for an answer; a problem says what was wrong with the last one."""
        form = {
            "kind": "approval",
            "title": config.title,
            "message": config.message,
            "show": inputs.show if "show" in inputs.model_fields_set else config.show,
            "fields": [field.model_dump() for field in config.form],
            "problem": problem,
        }
        return Wait(until=until, form=form, memo={"until": until})


def wrong_value(form: list[FormField], values: dict[str, Any]) -> str:
    """The first thing that is wrong with a filled-in form; empty if nothing is."""
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "boolean": (bool,)}
    for field in form:
        value = values.get(field.name)
        if value in (None, ""):
            if field.required:
                return f"'{field.label or field.name}' must be filled in."
        elif not isinstance(value, kinds[field.type]) or (field.type == "number" and isinstance(value, bool)):
            return f"'{field.label or field.name}' takes a {field.type}."
        elif field.options and value not in field.options:
            return f"'{field.label or field.name}' is one of: {', '.join(field.options)}."
    return ""


def _answered(decision: Decision, answer: dict[str, Any], values: dict[str, Any], *, expired: bool = False) -> Done:
    return Done(
        {
            decision: True,
            "decision": decision,
            "comment": as_text(answer.get("comment")),
            "by": as_text(answer.get("by")),
            "values": values,
            "expired": expired,
        }
    )

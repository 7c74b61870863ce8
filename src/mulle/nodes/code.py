"""A Python function of a user or a model, run in the sandbox."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import Field, ValidationError

from mulle.document.policies import Duration
from mulle.document.ports import Port, PortType, is_object
from mulle.document.problem import Problem
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import SandboxError
from mulle.sdk import Context, Done, Node, RawText, Settings
from mulle.sdk.code_signature import CodeSignature, signature
from mulle.sdk.node import with_ports
from mulle.sdk.returns import Returned, checked

FUNCTION = "main"
RESULT = "result"
"""The port of what is returned, when that is no dict."""


class Code(Node):
    """Call `main` with what arrives: its parameters are my input ports, the keys of the dict it returns my outputs."""

    type = "code"
    title = {"en": "Python code", "ko": "파이썬 코드"}
    effect = "pure"

    class Config(Settings):
        code: RawText
        """`def main(items: list, least: int = 1) -> dict: …`. Annotations give the ports' types."""
        inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
        """Arguments by name, beside what arrives at the ports."""
        returns: dict[str, Returned] | None = None
        """What `main` has to return, nothing more and nothing less: `{words: {type: "array[string]", most: 30}}`."""
        timeout: Duration = 10.0
        """Seconds after which the code is ended."""

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        taken = _signature(config.code)
        known = {parameter.name for parameter in taken.parameters}
        arguments = {
            name: value for name, value in (config.inputs | inputs).items() if taken.takes_any or name in known
        }
        answer = await ctx.sandbox.call(config.code, FUNCTION, arguments, timeout=config.timeout)
        outputs = answer.value if is_object(answer.value) else {RESULT: answer.value}
        if config.returns is not None:
            outputs = checked(outputs, config.returns)
        return Done(outputs, usage={"printed": answer.stdout} if answer.stdout else None)

    def signature(self, spec: NodeSpec) -> Signature:
        source = spec.data.get("code")
        try:
            found = _signature(source) if isinstance(source, str) else None
        except SandboxError as error:
            problem = Problem.of(error, f"nodes.{spec.id}.data.code")
            return replace(super().signature(spec), problems=(problem,))
        if found is None:
            return super().signature(spec)
        given, returns = spec.data.get("inputs"), spec.data.get("returns")
        ports = ports_of_code(found)
        if is_object(returns):
            ports = replace(ports, outputs=tuple(map(_returned, returns, returns.values())), open_outputs=False)
        ports = with_ports(ports, spec)
        if not is_object(given):
            return ports
        return replace(ports, inputs=tuple(_given(port) if port.name in given else port for port in ports.inputs))


@lru_cache(maxsize=256)
def _signature(source: str) -> CodeSignature:
    return signature(source, FUNCTION)


def ports_of_code(found: CodeSignature) -> Signature:
    """The openings that a function stands for."""
    inputs = tuple(
        Port(
            name=parameter.name,
            type=annotated(parameter.annotation),
            required=parameter.required,
            default_value=parameter.default,
        )
        for parameter in found.parameters
    )
    returned = annotated(found.returns)
    if found.outputs:
        outputs = tuple(Port(name=output.name, type=annotated(output.annotation)) for output in found.outputs)
        return Signature(inputs, outputs, open_inputs=found.takes_any)
    if returned not in (PortType.ANY, PortType.OBJECT) or found.outputs == ():
        kind = returned if found.outputs is None else PortType.ANY
        return Signature(inputs, (Port(name=RESULT, type=kind),), open_inputs=found.takes_any)
    return Signature(inputs, open_inputs=found.takes_any, open_outputs=True)


def _returned(name: str, wanted: Any) -> Port:
    try:
        return Port(name=name, type=Returned.model_validate(wanted).port_type)
    except ValidationError:  # Reported where it stands.
        return Port(name=name)


def _given(port: Port) -> Port:
    """A port whose value the settings give: nothing has to lead to it."""
    return port.model_copy(update={"required": False})


_TYPES = {
    "str": PortType.STRING,
    "int": PortType.NUMBER,
    "float": PortType.NUMBER,
    "bool": PortType.BOOLEAN,
    "list": PortType.ARRAY,
    "tuple": PortType.ARRAY,
    "List": PortType.ARRAY,
    "Sequence": PortType.ARRAY,
    "dict": PortType.OBJECT,
    "Dict": PortType.OBJECT,
    "Mapping": PortType.OBJECT,
}


def annotated(annotation: str | None) -> PortType:
    """The port type that an annotation's text stands for; `any` where none does."""
    text = (annotation or "").strip()
    optional = re.fullmatch(r"(?:typing\.)?Optional\[(.*)\]|(.*?)\s*\|\s*None|None\s*\|\s*(.*)", text, re.DOTALL)
    inner = next((part for part in optional.groups() if part), text) if optional else text
    name = inner.partition("[")[0].rpartition(".")[2].strip()
    return _TYPES.get(name, PortType.ANY) if "|" not in inner.partition("[")[0] else PortType.ANY

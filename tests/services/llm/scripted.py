"""A scripted endpoint of OpenAI's protocol on this machine."""

import json
from typing import Any

from tests.services.site import Behaviour, Site, reply

COMPLETIONS = "/v1/chat/completions"
KEY = "sk-test-0123456789"


def says(text: str | None, *, finish: str = "stop") -> Behaviour:
    """Answer as a model that says `text`."""
    return reply(
        json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1772409751,
                "model": "small-1",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17},
            },
            ensure_ascii=False,
        ),
        headers={"Content-Type": "application/json"},
    )


def refuses(status: int, message: str, **headers: str) -> Behaviour:
    """Answer with an error in OpenAI's form."""
    body = json.dumps({"error": {"message": message, "type": "x", "code": None}})
    return reply(body, status=status, headers={"Content-Type": "application/json", **headers})


def told(site: Site, number: int = -1) -> dict[str, str]:
    """What a request told the model, by role."""
    body: dict[str, Any] = json.loads(site.received[number].body)
    return {one["role"]: one["content"] for one in body["messages"]}

import pytest

from mulle.services.llm.builtin import Builtin, NeedsModel


async def test_the_built_in_mode_summarises_and_says_what_it_is():
    answer = await Builtin().complete({"task": "summarize", "text": "첫 문장이다. 둘째 문장이다.", "sentences": 1})

    assert answer["model"] == "builtin"
    assert answer["text"] in {"첫 문장이다.", "둘째 문장이다."}


@pytest.mark.parametrize("task", ["generate", "translate", "classify", "extract"])
async def test_what_needs_a_model_says_so(task: str):
    with pytest.raises(NeedsModel, match="language model") as caught:
        await Builtin().complete({"task": task, "text": "…"})

    assert "OPENAI_API_KEY" in caught.value.advice

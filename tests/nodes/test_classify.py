import unicodedata

import pytest
from tests.nodes.alone import outputs
from tests.nodes.test_llm import Scripted

from mulle.nodes.classify import Classify
from mulle.sdk.context import ServiceMissing, Services

WORDS = {
    "text": "{{ mail.text }}",
    "classes": [
        {"name": "환불", "keywords": ["환불", "반품", "refund"]},
        {"name": "배송", "keywords": ["배송", "택배"]},
    ],
}


@pytest.mark.parametrize(
    ("text", "branch"),
    [
        ("택배가 안 와요", "배송"),
        ("배송이 늦어서 환불하고 반품할래요", "환불"),
        ("I want a REFUND", "환불"),
        (unicodedata.normalize("NFD", "환불해 주세요"), "환불"),
        ("영업 시간이 어떻게 되나요?", "else"),
        ("", "else"),
    ],
)
async def test_words_decide_without_a_model(text: str, branch: str):
    made = await outputs(Classify(), WORDS, names={"mail": {"text": text}})

    assert made == {branch: True, "class_name": branch, "decided_by": "keywords"}


MODEL = {
    "classes": [{"name": "불만", "description": "화난 손님"}, {"name": "칭찬", "keywords": ["최고"]}],
    "instructions": "쇼핑몰이다.",
}


async def test_a_model_decides_where_words_do_not():
    model = Scripted({"text": " 불만\n", "model": "m"})

    made = await outputs(Classify(), MODEL, {"text": "이게 뭡니까"}, services=Services(llm=model))

    assert made == {"불만": True, "class_name": "불만", "decided_by": "model"}
    assert model.asked == [
        {
            "task": "classify",
            "text": "이게 뭡니까",
            "labels": ["불만", "칭찬"],
            "prompt": "쇼핑몰이다.\n불만: 화난 손님\n칭찬: ",
        }
    ]


async def test_a_model_that_names_no_class_takes_the_other_branch():
    model = Scripted({"text": "잘 모르겠습니다", "model": "m"})

    made = await outputs(Classify(), MODEL, {"text": "?"}, services=Services(llm=model))

    assert made["else"] is True


async def test_without_a_model_the_step_says_so():
    with pytest.raises(ServiceMissing, match="'llm'"):
        await outputs(Classify(), MODEL, {"text": "이게 뭡니까"})


async def test_a_branch_may_have_another_name_than_its_class():
    classes = [{"name": "환불", "port": "1", "keywords": ["환불"]}, {"name": "배송", "port": "2", "keywords": ["배송"]}]

    made = await outputs(Classify(), {"text": "배송이 늦어요", "classes": classes})

    assert made == {"2": True, "class_name": "배송", "decided_by": "keywords"}

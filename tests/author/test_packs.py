from typing import Any

import pytest
from tests.author.tools import NOW, TOOLS

from mulle.author.domain import BadPack, connectors, installed_packs, read_pack
from mulle.author.draft import Draft, draft
from mulle.author.request import Delivery, Request, Source
from mulle.author.stand_ins import StandIns
from mulle.author.trial import Trial, tried
from mulle.document.reading import parse_workflow

VALUES: dict[str, Any] = {"topic": "경제", "region": None, "url": "https://www.example.com/feed.xml"}


def asking_for(connector_id: str) -> Draft:
    connector = connectors()[connector_id]
    pack = installed_packs()[connector_id.partition(".")[0]]
    values = {
        name: next(iter(pack.regions)) if parameter.find == "region" else VALUES[parameter.find]
        for name, parameter in connector.parameters.items()
        if parameter.required
    }
    source = Source(connector_id, connector.title.ko, values)
    return draft(Request("시험", "ko", sources=(source,), deliveries=(Delivery("console"),)))


async def trial_of(made: Draft, stand_ins: StandIns) -> Trial:
    return await tried(parse_workflow(made.document), TOOLS.catalogue, stand_ins, now=NOW.timestamp())


def homes(made: Draft) -> dict[str, str]:
    return {one["data"]["url"]: made.fetches[one["id"]] for one in made.document["nodes"] if one["id"] in made.fetches}


@pytest.mark.parametrize("connector_id", sorted(connectors()))
async def test_every_connector_understands_its_recorded_answer(connector_id: str):
    made = asking_for(connector_id)

    trial = await trial_of(made, StandIns({}, homes(made)))

    assert trial.ending.status == "succeeded", trial.ending.error
    assert len(trial.stand_ins.told) == 1
    assert trial.stand_ins.told[0][1]["text"].strip()
    if made.items_at:
        outputs = trial.outputs(made.items_at)
        assert outputs is not None
        assert outputs["value"]
        for item in outputs["value"]:
            assert item["title"] or item["text"]
            assert "<b>" not in item["title"] + item["text"]
            assert "&amp;" not in item["title"]


@pytest.mark.parametrize("connector_id", sorted(one.id for one in connectors().values() if one.error))
async def test_an_error_of_an_api_is_never_a_success(connector_id: str):
    error = connectors()[connector_id].error
    assert error is not None

    trial = await trial_of(asking_for(connector_id), StandIns({connector_id: error}))

    assert trial.ending.status == "failed"
    assert trial.stand_ins.told == []


def test_what_a_pack_may_say_is_checked():
    with pytest.raises(BadPack, match="Extra inputs"):
        read_pack("pack: x\ntitle: {ko: 가, en: a}\nwords: {}\nconnectors: []\nconectors: []")


def test_every_secret_that_a_connector_uses_is_explained():
    for pack in installed_packs().values():
        for connector in pack.connectors:
            used = {
                word.split(" }}")[0]
                for text in [*connector.http.headers.values(), *map(str, connector.http.params.values())]
                for word in text.split("secret.")[1:]
            }
            assert used <= set(pack.secrets)

"""Services: what a reply costs, what never left, and who is on this machine."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from engine.test_ask import ask_service, database, states  # noqa: F401  # database is a fixture
from ggt.engine.limits import Ceiling
from ggt.errors import StopRunError
from ggt.models import get_model, worst_case_usd
from ggt.providers import EditRequest, Reply
from ggt.providers._openai_replies import Images, picture
from ggt.settings.lanes import LaneSettings
from ggt.settings.limits import LimitSettings
from ggt.settings.recipe import Recipe
from ggt.stages.services import (
    Asked,
    Clients,
    asking_parameters,
    ceilings,
    edit_service,
    leaves_machine,
    received_of,
)
from model_rows import row


def test_an_answer_whose_usage_nobody_states_may_have_cost_what_was_reserved():
    model = get_model("gpt_6_1_sol", "vlm")
    got = received_of(model, Reply("text", b"{}", None, "v"))
    assert got.cost_usd == pytest.approx(worst_case_usd(model))


def test_a_picture_at_an_address_is_of_no_use_and_was_billed():
    model = row()
    images = Images.model_validate_json('{"data":[{"url":"https://example.org/y.png"}]}')
    got = received_of(model, picture(images, model, request_id="r"))
    assert (got.kind, got.cost_usd) == ("no_image", pytest.approx(0.04))


def test_an_address_that_is_none_stops_the_run_and_doubts_nothing(
    database,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    monkeypatch.setenv("GGT_TEST_KEY", "k" * 20)
    png = tmp_path / "a.png"
    png.write_bytes(b"x")

    async def read(body):
        return "{}"

    async def make():
        async with AsyncExitStack() as stack:
            asked = Asked("m", row(base_url="localhost:8000/v1"), Clients(stack))
            return edit_service(asked, EditRequest("p", png, 64, 64), read=read)

    with pytest.raises(StopRunError, match="cannot be asked"):
        ask_service(database, tmp_path, asyncio.run(make()))
    assert states(database) == ["unbilled"]


def test_what_changes_a_models_answers_is_part_of_the_question():
    model = row(accepts=("quality",), parameters={"quality": "high"})
    asked = asking_parameters(model, version="v")
    assert asked == {"quality": "high", "api_version": "", "version": "v"}
    elsewhere = row(base_url="http://10.0.0.1/v1")
    assert asking_parameters(elsewhere)["base_url"] == "http://10.0.0.1/v1"


@pytest.mark.parametrize(
    ("base_url", "leaves"),
    [
        ("http://127.0.0.1:8000/v1", False),
        ("http://localhost:8000/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://localhost.example.org/v1", True),
        ("http://10.0.0.7:8000/v1", True),
        ("http://user@127.0.0.1.example.org/v1", True),
    ],
)
def test_only_a_loopback_address_is_this_machine(base_url, leaves, tmp_path, monkeypatch):
    own = tmp_path / "models.toml"
    own.write_text(f'[gpt_image_2]\nbase_url = "{base_url}"\n')
    monkeypatch.setenv("GGT_MODELS", str(own))
    assert leaves_machine("gpt_image_2") is leaves
    assert not leaves_machine("classical")
    assert not leaves_machine("qwen_image_edit")  # in this process


def test_two_aliases_of_one_id_share_the_lower_ceiling(tmp_path, monkeypatch):
    shipped = get_model("gpt_image_2", "mfm").model_dump(mode="json", exclude_none=True)
    own = tmp_path / "models.toml"
    own.write_text(f'[again]\nid = "{shipped["id"]}"\n' + _rest(shipped))
    monkeypatch.setenv("GGT_MODELS", str(own))
    recipe = Recipe(
        lanes=(LaneSettings(restorer="again"), LaneSettings(restorer="gpt_image_2")),
        limits={
            "again": LimitSettings(num_under_way=9, requests_per_minute=30),
            "gpt_image_2": LimitSettings(num_under_way=20, requests_per_minute=10),
        },
    )
    ((who, found),) = ceilings(recipe).items()
    assert who == f"openai/{shipped['id']}"
    assert found == Ceiling(most=9, start=4, requests_per_minute=10)


def _rest(shipped):
    plain = {k: v for k, v in shipped.items() if isinstance(v, str | bool) and k != "id"}
    lines = [
        f"{k} = {str(v).lower() if isinstance(v, bool) else repr(v)}" for k, v in plain.items()
    ]
    terms = 'as_of = 2026-11-01\nsource = "t"\n'
    return "\n".join(lines) + (
        f'\n[again.terms]\n{terms}may_train = "yes"\nnote = "t"\n[again.price]\n{terms}'
    )

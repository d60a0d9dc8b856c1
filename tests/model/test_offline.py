"""Requests out, responses in: any model can be scored without a network, and the way there and back changes nothing."""

from __future__ import annotations

import json

import pytest

from bot.adapters.offline_model import OfflineModel
from bot.core.answer import Question
from bot.core.errors import ModelPending, SettingsError
from bot.services.speaking import Speaker, SpeakingCoach
from tests.fakes.model_server import Asked, good

QUESTIONS = (
    "What gets in the way of teams using a new program?",
    "How do I find out what is blocking the nurses?",
    "What is the difference between C4 and C5?",
    "What is the weather?",
)


@pytest.fixture
def offline(coach, index, support, prompts):
    def make(requests, responses) -> tuple[SpeakingCoach, OfflineModel]:
        model = OfflineModel("openai:gpt-good", requests=requests, responses=responses)
        return SpeakingCoach(coach, index, Speaker(model, prompts, support)), model

    return make


def without_time(answer) -> str:
    return answer.model_copy(update={"latency_ms": 0.0}).model_dump_json()


def test_what_is_fed_back_gives_the_same_answers_byte_for_byte(speaking, offline, tmp_path, figure) -> None:
    requests, responses = tmp_path / "out", tmp_path / "in"
    responses.mkdir()
    live = [without_time(speaking("gpt-good").ask(Question(text=q))) for q in QUESTIONS]
    exporting, model = offline(requests, None)
    pending = 0
    for q in QUESTIONS:
        try:
            exporting.ask(Question(text=q))
        except ModelPending:
            pending += 1
    written = {p.name: p.read_bytes() for p in requests.iterdir()}
    assert pending == len(written) == len(model.missing) == 3
    for name, body in written.items():
        request = json.loads(body)
        texts = {m["role"]: m["content"] for m in request["messages"]}
        (responses / name).write_text(json.dumps({"text": good(Asked("x", texts["system"], texts["user"]))}), "utf-8")
    again, model = offline(requests, responses)
    assert [without_time(again.ask(Question(text=q))) for q in QUESTIONS] == live
    assert not model.missing
    assert {p.name: p.read_bytes() for p in requests.iterdir()} == written
    figure(f"{len(written)} requests exported and fed back: answers and requests the same byte for byte")


def test_a_broken_response_is_a_broken_answer_and_not_an_error(offline, tmp_path) -> None:
    exporting, model = offline(tmp_path / "out", None)
    with pytest.raises(ModelPending):
        exporting.ask(Question(text=QUESTIONS[0]))
    responses = tmp_path / "in"
    responses.mkdir()
    (name,) = model.missing
    for body in ("{", "[]", '{"text": 3}', '""'):
        (responses / f"{name}.json").write_text(body, "utf-8")
        answer = offline(None, responses)[0].ask(Question(text=QUESTIONS[0]))
        assert (answer.outcome, answer.fallback) == ("answered", "model_error")


def test_a_folder_that_is_not_there_is_said_to_be_so(offline, tmp_path) -> None:
    with pytest.raises(SettingsError, match="no folder"):
        offline(None, tmp_path / "nowhere")

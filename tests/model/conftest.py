"""A coach that speaks with a model over the real protocol: the shipped content, a real index, a local server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.adapters.generation import open_model
from bot.adapters.meaning import PassageMeaning
from bot.adapters.model_prompts import load_prompts
from bot.core.prompts import Prompt
from bot.core.support import Support
from bot.services.coach import Coach
from bot.services.second_opinion import SecondOpinion
from bot.services.speaking import Speaker, SpeakingCoach
from bot.settings import Settings
from tests.coachkit import coach, index, knowledge, place, source, wording
from tests.fakes.model_server import ModelServer, model_server

ROOT = Path(__file__).parents[2]
__all__ = ["coach", "index", "knowledge", "place", "source", "wording"]


@pytest.fixture(scope="session")
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture(scope="session")
def support(knowledge) -> Support:
    return Support(knowledge, knowledge.passages(), PassageMeaning(knowledge.passages()))


@pytest.fixture(scope="session")
def prompts() -> dict[str, Prompt]:
    return load_prompts(ROOT)


@pytest.fixture
def speaking(server: ModelServer, coach: Coach, index, support, prompts) -> Callable[..., SpeakingCoach]:
    """`speaking(name, **how)`: a coach with a model that behaves so; settings may be given as `model_…`."""

    def make(name: str = "gpt-good", *, budget=None, **how) -> SpeakingCoach:
        own = {k: how.pop(k) for k in list(how) if k.startswith("model_")}
        model = open_model(settings_for(server, server.behave(name, **how), **own))
        second = SecondOpinion(own.get("model_check_seconds", 6.0), own.get("model_timeout", 20.0))
        second = None if own.get("model_check") == "local" else second
        triage = own.get("model_triage", "close_call")
        return SpeakingCoach(coach, index, Speaker(model, prompts, support, budget, triage, second))

    return make


def settings_for(server: ModelServer, model: str, **own) -> Settings:
    """Settings for a model of the local server."""
    return Settings(_env_file=None, model=model, model_base_url=server.url, model_api_key="sk-a-secret-key", **own)

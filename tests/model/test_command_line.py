"""`isp-coach ask --jsonl` in model mode, the command itself, against the local server with a model that makes things up."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bot.adapters.content import load_exemplars
from bot.core.answer import Answer
from tests.fakes.model_server import ModelServer
from tests.model.conftest import ROOT
from tests.model.test_faults import made_up, problems
from tests.realbot import INDEX

WHOLE = 5.0  # seconds that a model has


@pytest.mark.fault("L9")
@pytest.mark.timeout(900)
def test_the_command_answers_a_hundred_questions_without_a_dangling_marker_or_an_unsupported_number(
    server: ModelServer, index, tmp_path, figure, full
) -> None:
    count = 100 if full else 8
    asked = [q.question for q in load_exemplars(ROOT).questions]
    questions = asked[:: max(1, len(asked) // count)][:count]
    (tmp_path / "index").symlink_to(INDEX, target_is_directory=True)
    lines = "".join(json.dumps({"id": n, "question": text}) + "\n" for n, text in enumerate(questions))
    own = {
        "ISP_COACH_DATA_DIR": str(tmp_path),
        "ISP_COACH_EMBEDDINGS": "builtin",
        "ISP_COACH_MODEL": server.behave("m-command", draft=made_up),
        "ISP_COACH_MODEL_BASE_URL": server.url,
        "ISP_COACH_MODEL_API_KEY": "sk-a-secret-key",
        "ISP_COACH_MODEL_TIMEOUT": str(WHOLE),
        "ISP_COACH_MODEL_FIRST_TOKEN": "3",
    }
    done = subprocess.run(
        [sys.executable, "-m", "bot", "ask", "--jsonl", "-"],
        input=lines.encode(), capture_output=True, check=False, env=os.environ | own, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-500:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [t.pop("id") for t in told] == list(range(count))
    answers = [Answer.model_validate(t) for t in told]
    wrong = [p for a in answers for p in problems(a)]
    slowest = max(a.latency_ms for a in answers)
    spoken = sum(a.mode == "model" and a.fallback is None for a in answers)
    figure(
        f"the command, {count} questions: {sum('marker' in p for p in wrong)} dangling markers, "
        f"{sum('number' in p for p in wrong)} unsupported numbers, {spoken} told by the model, slowest {slowest:.0f} ms"
    )
    assert wrong == []
    assert spoken >= count / 2
    assert slowest <= (WHOLE + 1) * 1000
    assert b"sk-a-secret-key" not in done.stdout + done.stderr

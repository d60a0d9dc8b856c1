"""The image and the Compose file: valid, pinned, without rights that the bot does not need."""

from __future__ import annotations

import copy
import fnmatch
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from bot.settings import Settings

TOP = Path(__file__).parents[2]
# The official schema is not in any package that this project uses, so this one states the parts that the file may
# use, stricter than the official one: https://github.com/compose-spec/compose-spec (which the file passes, too).
SCHEMA = json.loads((TOP / "tests/repo/compose.schema.json").read_text("utf-8"))
COMPOSE = yaml.safe_load((TOP / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (TOP / "Dockerfile").read_text("utf-8")


def stages():
    """The Dockerfile's instructions by stage, continuation lines joined."""
    joined = re.sub(r"\\\n", " ", DOCKERFILE)
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    found = []
    for line in lines:
        if line.startswith("FROM "):
            found.append([])
        found[-1].append(line)
    return found


def test_the_compose_file_fits_the_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(SCHEMA).validate(COMPOSE)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["services"]["coach"].update(prots=["1:1"]),
        lambda c: c["services"]["coach"].update(ports=["not a port"]),
        lambda c: c["services"]["coach"].update(restart="sometimes"),
        lambda c: c["services"]["coach"].update(read_only="perhaps"),
        lambda c: c.pop("services"),
        lambda c: c.update(service={}),
    ],
)
def test_the_schema_refuses_mistakes(change):
    broken = copy.deepcopy(COMPOSE)
    change(broken)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(broken)


def test_the_one_service_has_no_rights_to_spare_and_keeps_its_data():
    (service,) = COMPOSE["services"].values()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["env_file"] == [{"path": ".env", "required": False}]
    (volume,) = service["volumes"]
    name, target = volume.split(":")
    assert name in COMPOSE["volumes"]
    assert service["environment"]["ISP_COACH_DATA_DIR"].startswith(f"{target}/")


def test_the_compose_file_names_settings_that_exist():
    known = {f"ISP_COACH_{name}".upper() for name in Settings.model_fields}
    (service,) = COMPOSE["services"].values()
    assert set(service["environment"]) <= known


def test_the_image_is_built_in_two_stages_and_runs_as_a_user_without_rights():
    build, final = stages()
    assert final[-2:] == ['ENTRYPOINT ["isp-coach"]', 'CMD ["run"]']
    user = final.index("USER 10001")
    assert not any(line.startswith(("RUN", "COPY", "ADD")) for line in final[user:])
    assert any(line.startswith("COPY --from=build") for line in final)
    assert not any("pip" in line for line in final)
    assert any(line.startswith("VOLUME /data") for line in final)
    assert build[0].split()[1] == final[0].split()[1]


def test_the_image_installs_only_what_is_pinned_with_hashes():
    installs = re.findall(r"pip install [^&\n]*", re.sub(r"\\\n", " ", DOCKERFILE))
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes -r requirements" in install or "--no-deps --no-index /wheel/" in install
    assert ":latest" not in DOCKERFILE


def test_what_the_image_copies_is_let_through_by_dockerignore_and_secrets_are_not():
    allowed = [line[1:] for line in (TOP / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    build, _ = stages()
    copied = [name for line in build if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert set(copied) <= set(allowed)
    assert (TOP / ".dockerignore").read_text("utf-8").splitlines()[1] == "*"
    assert not any(fnmatch.fnmatch(name, pattern) for name in (".env", ".git", "tests") for pattern in allowed)

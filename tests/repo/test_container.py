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
        lambda c: c["services"]["replica"].update(profile=["scale"]),
        lambda c: c["services"]["replica"]["depends_on"]["migrate"].update(condition="some day"),
        lambda c: c["services"]["postgres"]["healthcheck"].update(tries=3),
        lambda c: c["services"]["replica"]["deploy"].update(replicas="four"),
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


OURS = {"coach", "migrate", "index", "replica"}
SERVICES = COMPOSE["services"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_have_no_rights_to_spare(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["tmpfs"] == ["/tmp"]
    assert service["env_file"] == [{"path": ".env", "required": False}]


def test_alone_it_keeps_its_data_and_needs_nothing_else():
    service = SERVICES["coach"]
    assert "depends_on" not in service
    assert "profiles" not in service
    assert [name for name, other in SERVICES.items() if "profiles" not in other] == ["coach"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    (volume,) = service["volumes"]
    name, target = volume.split(":")
    assert name in COMPOSE["volumes"]
    assert service["environment"]["ISP_COACH_DATA_DIR"].startswith(f"{target}/")


def test_the_compose_file_names_settings_that_exist():
    known = {f"ISP_COACH_{name}".upper() for name in Settings.model_fields}
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= known
    assert json.dumps(SERVICES["replica"]["environment"]).count("POSTGRES_PASSWORD") == 1


def test_the_database_is_migrated_and_the_index_built_before_a_replica_starts_and_none_does_it_itself():
    after = SERVICES["replica"]["depends_on"]
    assert {name: step["condition"] for name, step in after.items()} == {
        "migrate": "service_completed_successfully",
        "index": "service_completed_successfully",
    }
    assert SERVICES["migrate"]["command"] == ["migrate"]
    assert SERVICES["replica"]["environment"]["ISP_COACH_MIGRATE_ON_START"] == "false"
    assert "index:/data/isp-coach/index:ro" in SERVICES["replica"]["volumes"]
    assert SERVICES["replica"]["deploy"]["replicas"] > 1


def test_only_the_proxy_is_shown_outside_and_no_password_is_in_the_file():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"coach", "proxy"}
    text = (TOP / "docker-compose.yml").read_text("utf-8")
    assert not re.search(r"^ +[A-Z_]*(PASSWORD|SECRET|TOKEN|KEY): +[^$\s]", text, re.MULTILINE)


def test_images_are_pinned_by_version_and_chroma_fits_its_client():
    images = {name: service["image"] for name, service in SERVICES.items() if name not in OURS}
    assert all(re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", image) for image in images.values()), images
    pinned = re.search(r"^chromadb==(\S+)", (TOP / "requirements.txt").read_text("utf-8"), re.MULTILINE)[1]
    assert images["chroma"] == f"chromadb/chroma:{pinned}"


def test_the_image_is_built_in_two_stages_and_runs_as_a_user_without_rights():
    build, final = stages()
    assert final[-2:] == ['ENTRYPOINT ["isp-coach"]', 'CMD ["run"]']
    user = final.index("USER 10001")
    assert not any(line.startswith(("RUN", "COPY", "ADD")) for line in final[user:])
    assert any(line.startswith("COPY --from=build") for line in final)
    assert not any("pip" in line for line in final)
    assert any(line.startswith("VOLUME /data") for line in final)
    assert build[0].split()[1] == final[0].split()[1]
    assert any(line.startswith("HEALTHCHECK") and "/healthz" in line for line in final)


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

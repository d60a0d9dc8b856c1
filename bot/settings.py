"""Settings: the only reader of the environment. Each has a type, bounds and a line in `.env.example`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_data_dir() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - only where no folder was chosen

    return user_data_path("isp-coach", appauthor=False)


class Settings(BaseSettings):
    """What an operator can set, in the environment or in a `.env` file. Everything has a default that works."""

    model_config = SettingsConfigDict(
        env_prefix="ISP_COACH_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,  # a line of .env.example with nothing after the "=" says nothing
        extra="ignore",
        frozen=True,
    )

    # Slack. Both tokens present: the bot runs in that workspace. None: it runs in the sandbox.
    slack_bot_token: SecretStr | None = Field(
        None, validation_alias="SLACK_BOT_TOKEN", description="Bot token of the installed app (xoxb-…)."
    )
    slack_app_token: SecretStr | None = Field(
        None,
        validation_alias="SLACK_APP_TOKEN",
        description="App-level token with connections:write (xapp-…), for Socket Mode.",
    )
    slack_mode: Literal["socket", "http"] = Field(
        "socket",
        description="socket: the bot connects to Slack. http: Slack sends to this bot's address, behind a proxy.",
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        validation_alias="SLACK_SIGNING_SECRET",
        description="HTTP mode: proves that a request is Slack's (Basic Information, App Credentials).",
    )
    slack_client_id: str | None = Field(
        None,
        validation_alias="SLACK_CLIENT_ID",
        description="HTTP mode for many workspaces, with the secret below: each installs the app at /slack/install.",
    )
    slack_client_secret: SecretStr | None = Field(
        None, validation_alias="SLACK_CLIENT_SECRET", description="Belongs to the client id."
    )
    public_url: str | None = Field(
        None, description="HTTP mode: the https address under which the proxy shows this bot to Slack."
    )
    http_host: str = Field("127.0.0.1", description="HTTP mode: address on which to listen for the proxy.")
    http_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        3000, description="HTTP mode: port for Slack's requests; 0 takes a free one."
    )
    health_host: str = Field("127.0.0.1", description="Address on which health and metrics are shown.")
    health_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="Port for /healthz, /readyz and /metrics, never to be shown outside; none where it is empty."
    )
    slack_api_url: str = Field("https://slack.com/api/", description="Slack's Web API; the sandbox sets its own.")
    command_prefix: Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,12}$")] = Field(
        "", description="Put before every command name, to keep two apps apart: `my-` gives /my-coach."
    )

    data_dir: Path = Field(default_factory=_default_data_dir, description="Folder for the database and the index.")
    database_url: str | None = Field(
        None, description="SQLAlchemy address of the database; SQLite in the data folder where it is empty."
    )
    migrate_on_start: bool = Field(
        True, description="Bring the database to this version's form at start; false where `migrate` is its own step."
    )
    encryption_key: SecretStr | None = Field(
        None, description="Fernet key(s), newest first, commas between: free text is then encrypted at rest."
    )
    content_dir: Path | None = Field(
        None, description="Folder with knowledge/ and prompts/ of your own, instead of those shipped."
    )

    embeddings: str = Field(
        "auto",
        description="auto (MiniLM where its file is present, else built-in), builtin, minilm, "
        "or a LangChain provider:model.",
    )
    minilm_dir: Path = Field(
        default_factory=lambda: Path.home() / ".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx",
        description="Where Chroma keeps the MiniLM model's files.",
    )
    chroma_url: str | None = Field(
        None, description="Address of a Chroma server; embedded in the data folder where it is empty."
    )

    # A language model. Without one the bot answers from its passages, and nothing leaves this machine.
    model: Annotated[str, Field(pattern=r"^$|^[a-z0-9_-]+:\S+$")] = Field(
        "", description="Language model as provider:name, such as openai:gpt-5-mini; empty: none is used."
    )
    model_api_key: SecretStr | None = Field(
        None, description="The provider's key; where it is empty, the provider's own variable holds it."
    )
    model_base_url: str = Field(
        "", description="Address of an OpenAI-compatible server, such as http://127.0.0.1:11434/v1."
    )
    model_timeout: Annotated[float, Field(ge=1, le=28)] = Field(
        20.0, description="Seconds that a model has for a whole answer; then the plain answer is given."
    )
    model_first_token: Annotated[float, Field(ge=0.5, le=28)] = Field(
        8.0, description="Seconds until a model must have begun to answer."
    )
    model_retries: Annotated[int, Field(ge=0, le=3)] = Field(
        1, description="Further tries where nothing has come yet and the time allows it."
    )
    model_triage: Literal["close_call", "always", "never"] = Field(
        "close_call", description="When the model is asked which competency a situation is about."
    )
    model_check: Literal["model", "local"] = Field(
        default="model",
        description="Who decides on a sentence of which the local check isn't sure: the model, asked once more, or the "
        "local check alone, which then cuts more.",
    )
    model_check_seconds: Annotated[float, Field(ge=0.5, le=20)] = Field(
        default=6.0, description="How long that second question may take, in seconds; it never outlasts the time-out."
    )
    model_person_tokens: Annotated[int, Field(ge=0)] = Field(
        200_000, description="Tokens a day for one person; 0: any amount. Beyond it answers are plain."
    )
    model_team_tokens: Annotated[int, Field(ge=0)] = Field(
        5_000_000, description="Tokens a day for one workspace; 0: any amount."
    )
    model_person_calls: Annotated[int, Field(ge=0)] = Field(
        10, description="Calls of the model a minute for one person; 0: any number."
    )
    model_team_calls: Annotated[int, Field(ge=0)] = Field(
        120, description="Calls of the model a minute for one workspace and process; 0: any number."
    )
    model_price_in: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Price of a million tokens sent, to show what was spent; 0: unknown."
    )
    model_price_out: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Price of a million tokens received; 0: unknown."
    )
    streaming: bool = Field(True, description="Show a model's answer sentence by sentence where Slack takes streams.")

    sandbox_host: str = Field("127.0.0.1", description="Address on which the sandbox listens.")
    sandbox_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8765, description="Port of the sandbox page; 0 takes a free one."
    )

    workers: Annotated[int, Field(ge=1, le=64)] = Field(8, description="Answers worked on at the same time.")
    memory_hours: Annotated[int, Field(ge=1, le=720)] = Field(
        24, description="How long a conversation is remembered for follow-ups."
    )
    keep_exchanges_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        90, description="How long questions and their answers are kept for source, share and feedback buttons."
    )
    keep_selfchecks_days: Annotated[int, Field(ge=0, le=36500)] = Field(
        0, description="How long self-checks and closed plans are kept; 0: as long as their person wants."
    )
    keep_reflections_days: Annotated[int, Field(ge=0, le=36500)] = Field(
        0, description="How long reflections are kept; 0: as long as their person wants."
    )
    keep_reminders_days: Annotated[int, Field(ge=0, le=36500)] = Field(
        730, description="How long it is kept which prompts were sent, so that none comes again soon; 0: for good."
    )
    admins: str = Field(
        "",
        description="Who may administer beside the workspace's own admins: Slack ids, commas between; "
        "T…/U… where many workspaces install the app.",
    )
    serve_guests: bool = Field(True, description="Whether guests of the workspace may use the bot.")
    sends_per_second: Annotated[float, Field(gt=0, le=50)] = Field(
        5.0, description="Nudges sent a second in one workspace."
    )
    nudge_cutoff_hours: Annotated[float, Field(gt=0, le=48)] = Field(
        12.0, description="A nudge later than this is skipped, not sent."
    )
    support_line: str = Field(
        "", description="Whom a person in distress can reach; shown with a sensible text where it is empty."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least important log lines that are written."
    )
    log_json: bool = Field(False, description="Write logs as JSON lines.")

    @field_validator(
        "slack_bot_token",
        "slack_app_token",
        "slack_signing_secret",
        "slack_client_id",
        "slack_client_secret",
        "encryption_key",
        "model_api_key",
        mode="before",
    )
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("database_url", "content_dir", "chroma_url", "public_url", "health_port", mode="before")
    @classmethod
    def _blank_is_absent(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    def names_admin(self, team_id: str, user_id: str) -> bool:
        """Whether `admins` names a person. With many workspaces an id counts only together with its workspace's."""
        named = {name.strip() for name in self.admins.split(",")}
        return f"{team_id}/{user_id}" in named or (not self.many_workspaces and user_id in named)

    @property
    def has_slack(self) -> bool:
        """True where all is there that the mode needs to speak with Slack."""
        return not self.missing_for_slack

    @property
    def many_workspaces(self) -> bool:
        """True where workspaces install the app by themselves (OAuth), each with a token of its own."""
        return self.slack_mode == "http" and self.slack_client_id is not None

    @property
    def missing_for_slack(self) -> tuple[str, ...]:
        """The names of settings without which the mode can't speak with Slack."""
        if self.slack_mode == "socket":
            needed: dict[str, object] = {
                "SLACK_BOT_TOKEN": self.slack_bot_token,
                "SLACK_APP_TOKEN": self.slack_app_token,
            }
        elif self.many_workspaces:
            needed = {
                "SLACK_SIGNING_SECRET": self.slack_signing_secret,
                "SLACK_CLIENT_SECRET": self.slack_client_secret,
                "ISP_COACH_PUBLIC_URL": self.public_url,
            }
        else:
            needed = {"SLACK_SIGNING_SECRET": self.slack_signing_secret, "SLACK_BOT_TOKEN": self.slack_bot_token}
        return tuple(name for name, value in needed.items() if not value)

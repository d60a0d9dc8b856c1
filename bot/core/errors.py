"""The project's errors. Each carries a calm sentence for people; the cause stays in the exception chain.

CoachError
├── ContentError      a content or prompt file is wrong: file, line, field
├── DocumentError     a document cannot be read or fetched
├── IndexNotReady     the index is being built, or is damaged and being rebuilt
├── DataFolderInUse   another process serves or writes this data folder
├── SettingsError     a setting is missing or wrong
│   └── IndexMismatch the stored index was made with another model, width or metric than is used now
├── ModelFailed       a language model gave nothing that can be used (see `reason`)
│   └── ModelPending  its answer is to be had elsewhere and isn't there yet
├── StorageError      the database can't be reached or used now
└── SendError         Slack did not take a message (see bot.ports for its kinds)
"""

from __future__ import annotations


class CoachError(Exception):
    """Base of all errors that the project raises on purpose; `str(error)` is fit for people."""


class ContentError(CoachError):
    """A content or prompt file is wrong."""

    def __init__(self, file: str, line: int | None, field: str, problem: str) -> None:
        where = f"{file}:{line}" if line else file
        super().__init__(f"{where}: {field}: {problem}" if field else f"{where}: {problem}")
        self.file, self.line, self.field, self.problem = file, line, field, problem


class DocumentError(CoachError):
    """A document cannot be read or fetched."""


class IndexNotReady(CoachError):
    """The index is being built, or is damaged and being rebuilt."""


class DataFolderInUse(CoachError):
    """Another process serves or writes this data folder."""


class SettingsError(CoachError):
    """A setting is missing or wrong."""


class IndexMismatch(SettingsError):
    """The stored index was made with another embedding model, width or metric than is used now."""

    def __init__(self, what: str, stored: object, used: object) -> None:
        super().__init__(
            f"The stored index was made with another {what} ({stored}) than is used now ({used}), so that nothing "
            "would be found rightly. Run `isp-coach setup --no-model --rebuild`."
        )


class ModelFailed(CoachError):
    """A language model gave nothing that can be used."""

    def __init__(self, reason: str) -> None:
        """`reason`: "timeout", "rate_limited", "unavailable", "refused", "budget", "stopped" or "empty"."""
        super().__init__("The language model gave no answer.")
        self.reason = reason


class ModelPending(ModelFailed):
    """A request was written down for a model elsewhere, and its response isn't there yet."""

    def __init__(self, request: str) -> None:
        super().__init__("pending")
        self.request = request  # the request's hash


class StorageError(CoachError):
    """The database can't be reached or used now."""

"""The small tree of errors that Holdfast's parts raise across their borders.

Messages name the thing and the numbers ("asr: silent for 0.92 s (limit 0.80), stream 3f2a"), never a caller's words.
"""

from __future__ import annotations

from typing import TypeVar

E = TypeVar("E", bound=BaseException)


def all_of(error: BaseException, kind: type[E] | tuple[type[E], ...]) -> list[E]:
    """What a task group failed of, where it is of one kind (or of these); empty where anything else is among it.

    For `except ExceptionGroup`, where the kind is to be raised by itself: what is raised in an `except*` block comes
    out in another group before Python 3.11.4.
    """
    if not isinstance(error, BaseExceptionGroup):
        return [error] if isinstance(error, kind) else []
    parts = [all_of(part, kind) for part in error.exceptions]
    return [one for part in parts for one in part] if all(parts) else []


class HoldfastError(Exception):
    """Anything that a Holdfast part reports on purpose."""


class ContractError(HoldfastError):
    """A message from a peer does not fit its contract: dropped and counted, not our bug."""


class BusUnavailable(HoldfastError):
    """The bus cannot be reached now; callers keep their state and try again later."""


class StreamFailed(HoldfastError):
    """A replayable stream ended without its result.

    `code` is one of the codes in `contracts.stream.ErrorCode`; `retryable` says whether another
    replica might still do better (the opener has then already tried).
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retryable = retryable


class LogUnavailable(HoldfastError):
    """The call log did not answer in time. Whether an entry was stored is unknown."""


class WrongLastSequence(HoldfastError):
    """Somebody else appended to this call's log first.

    `last` is the sequence that is there now (0: nothing), where the log told it.
    """

    def __init__(self, subject: str, expected: int, last: int | None) -> None:
        super().__init__(f"{subject}: expected last sequence {expected}, found {last}")
        self.expected = expected
        self.last = last


class EngineUnavailable(HoldfastError):
    """A speech engine, model or library cannot be used here; the next link of the chain is taken."""


class SettingsError(HoldfastError):
    """Settings that do not hold; `problems` lists every one of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("settings:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems

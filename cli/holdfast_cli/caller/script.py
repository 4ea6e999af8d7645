"""What the caller says when. Pure: what the agent has just said goes in, the next line comes out.

A script is a YAML list of lines:

    lines:
      - wav: greet                              # said at the caller's next turn
      - wav: [meeting, tuesday]                 # several recordings in one breath
        text: a meeting next tuesday at half past two
      - when: {agent_asks: [email]}             # waits; beats plain lines once it holds
        say: dana dot miller at northwind dot example
      - when: {agent_asks: [repeat]}
        again: true                             # the last line once more
        repeat: true                            # may be used more than once
      - hang_up: true

A line with `when` is used once unless `repeat` is true; if several match, the first; one that never
matches blocks nothing. All conditions of one `when` must hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import yaml
from holdfast_common.errors import SettingsError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_listed)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Model):
    """Conditions on what the agent has just said."""

    agent_asks: Names = []
    """Any of these fields was asked for."""
    agent_says_any: Names = []
    """Any of these was said (parts of sentences, whatever their case)."""
    agent_says_all: Names = []
    agent_offers_times: bool | None = None
    said: str = ""
    """The caller has said the line with this recording."""
    agent_proposes: Names = []
    """A booking was read back, and the caller's verdict on it is any of these (`right`, `wrong_email` ...)."""


class Line(_Model):
    """One line of the caller."""

    say: str = ""
    """Words to be synthesised."""
    wav: Names = []
    """Recordings, by file name without `.wav`; `text` then says what is in them."""
    text: str = ""
    when: When | None = None
    repeat: bool = False
    limit: Annotated[int, Field(ge=1)] | None = None
    """With `repeat`: at most so often; with `again`: so often in a row."""
    again: bool = False
    """The last line once more."""
    question: str = ""
    """Id of the article that must answer this line."""
    retries: Annotated[int, Field(ge=0, le=5)] = 0
    """A question that was not answered is asked again so often."""
    silence_ms: Annotated[int, Field(ge=0, le=120_000)] = 0
    barge_in_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None
    """Speak this long after the agent has begun to answer the line before."""
    pick: int | None = None
    """For readers: which of the offered times is meant."""
    kill: bool = False
    """The moment at which the demo breaks something."""
    hang_up: bool = False

    @model_validator(mode="after")
    def _does_one_thing(self) -> Line:
        if not (self.say or self.wav or self.again or self.silence_ms or self.hang_up):
            raise ValueError("a line needs say, wav, again, silence_ms or hang_up")
        if self.wav and not self.text:
            raise ValueError("a line with wav needs its words in text")
        return self

    @property
    def words(self) -> str:
        return self.text or self.say


class ScriptFile(_Model):
    lines: list[Line] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """What the agent has said since the caller's last line."""

    sentences: tuple[str, ...] = ()
    asks: frozenset[str] = frozenset()
    offers_times: bool = False
    proposes: str = ""
    """The caller's verdict on the booking that was read back; empty: none was."""
    articles: frozenset[str] = frozenset()
    """From which the agent answered."""


@dataclass(slots=True)
class Script:
    """Lines and which of them have been used."""

    lines: list[Line]
    _used: dict[int, int] = field(default_factory=dict)
    _last: Line | None = None
    _asked: int = 0
    """How often the last line has been said in a row."""

    def next(self, heard: AgentTurn) -> Line | None:
        """The line to say now; None: nothing fits, wait for the agent."""
        found = self._matching(heard)
        if (last := self._last) and not (found and found[1].when) and self._unanswered(last, heard):
            self._asked += 1
            return last
        if found is None:
            return None
        index, line = found
        self._used[index] = self._used.get(index, 0) + 1
        if line.again:
            self._asked += 1
            return self._last
        if line.words:
            self._last, self._asked = line, 1
        return line

    @property
    def done(self) -> bool:
        """Every plain line has been said."""
        return all(line.when or line.hang_up or self._used.get(i) for i, line in enumerate(self.lines))

    @property
    def has_more(self) -> bool:
        """A script only answers the agent."""
        return False

    def peek_barge_in(self) -> Line | None:
        """The next plain line, if it is one that talks over the agent."""
        line = next((line for i, line in enumerate(self.lines) if not line.when and i not in self._used), None)
        return line if line and line.barge_in_ms is not None else None

    def _unanswered(self, last: Line, heard: AgentTurn) -> bool:
        return bool(last.question) and last.question not in heard.articles and self._asked <= last.retries

    def _matching(self, heard: AgentTurn) -> tuple[int, Line] | None:
        open_lines = [(i, line) for i, line in enumerate(self.lines) if self._open(i, line)]
        waiting = ((i, line) for i, line in open_lines if line.when and self._holds(line.when, heard))
        plain = ((i, line) for i, line in open_lines if not line.when)
        return next(waiting, None) or next(plain, None)

    def _holds(self, when: When, heard: AgentTurn) -> bool:
        said = not when.said or any(when.said in self.lines[i].wav for i in self._used)
        return said and holds(when, heard)

    def _open(self, index: int, line: Line) -> bool:
        used = self._used.get(index, 0)
        if line.again:
            return self._last is not None and self._asked <= (line.limit or 1_000)
        return used < (line.limit or 1_000) if line.repeat else used == 0


def holds(when: When, heard: AgentTurn) -> bool:
    """Whether all conditions on the agent are met."""
    said = " ".join(heard.sentences).casefold()
    return all(
        (
            not when.agent_asks or bool(heard.asks.intersection(when.agent_asks)),
            not when.agent_says_any or any(part.casefold() in said for part in when.agent_says_any),
            all(part.casefold() in said for part in when.agent_says_all),
            when.agent_offers_times is None or when.agent_offers_times == heard.offers_times,
            not when.agent_proposes or heard.proposes in when.agent_proposes,
        )
    )


def load_script(path: Path, values: dict[str, str] | None = None) -> Script:
    """Read a script, `{name}` replaced by its value; raises SettingsError naming every problem."""
    try:
        text = path.read_text("utf-8")
        for name, value in (values or {}).items():
            text = text.replace("{" + name + "}", value)
        raw = yaml.safe_load(text)
        if isinstance(raw, dict) and "caller" in raw:  # a whole scenario: the caller's part of it
            raw = {"lines": raw["caller"]["lines"]}
        return Script(ScriptFile.model_validate(raw).lines)
    except OSError as error:
        raise SettingsError([f"{path}: {error.strerror}"]) from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise SettingsError([f"{path}: no script: {error}"]) from error
    except ValidationError as error:
        raise SettingsError(
            [f"{path}: {'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()]
        ) from error

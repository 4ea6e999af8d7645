"""docs/protocol.md and the code say the same: every subject, every message, nothing else."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import holdfast_common.contracts
from holdfast_common import subjects
from holdfast_common.contracts.wire import Message

DOC = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")


def messages() -> dict[str, type[Message]]:
    """Every struct of the contracts by name."""
    found: dict[str, type[Message]] = {}
    for info in pkgutil.iter_modules(holdfast_common.contracts.__path__):
        module = importlib.import_module(f"holdfast_common.contracts.{info.name}")
        for name, thing in vars(module).items():
            is_struct = isinstance(thing, type) and issubclass(thing, Message) and thing is not Message
            if is_struct and thing.__module__ == module.__name__ and not name.startswith("_"):
                found[name] = thing
    return found


def test_every_subject_is_told() -> None:
    """The subjects that the one module builds are those of the table."""
    built = {
        subjects.beat("<service>", "<replica>"),
        subjects.gone("<service>", "<replica>"),
        subjects.open_("<service>", "<replica>"),
        subjects.input_("<service>", "<replica>", "<stream>", 7).replace(".7", ".<epoch>"),
        subjects.input_bundle("<service>", "<replica>"),
        subjects.cancel("<service>", "<replica>"),
        subjects.output("<opener>", "<stream>", 7).replace(".7", ".<epoch>"),
        subjects.output_bundle("<opener>"),
        re.sub(r"\.\d+\.", ".<p>.", subjects.log_turns("<call>")),
        re.sub(r"\.\d+\.", ".<p>.", subjects.log_media("<call>")),
        subjects.watch("<call>"),
        "hf.cfg.>",
    }
    told = set(re.findall(r"^\| `(hf\.[^`]+)`", DOC, flags=re.MULTILINE))

    assert told == built


def test_every_message_is_told_and_no_other() -> None:
    """A new struct goes into the document in the same commit; a removed one leaves it."""
    told = set(re.findall(r"^\| `([A-Z]\w+)`", DOC, flags=re.MULTILINE))

    assert told == set(messages())


def test_every_message_says_what_it_is() -> None:
    """Each struct has a docstring of its own, or its name is told in the document with one."""
    rows = dict(re.findall(r"^\| `([A-Z]\w+)` \|[^|]*\| ([^|]+) \|", DOC, flags=re.MULTILINE))

    assert all(len(rows[name].split()) >= 3 for name in messages())

"""`holdfast profile check`: a profile read as its services will read it, and what its author should mend."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from holdfast_common.errors import SettingsError
from holdfast_common.profile import Profile, load_articles, load_profile
from rich.console import Console
from rich.table import Table

SPOKEN_BY = ("holdfast_dialogue", "holdfast_gateway")
"""The packages whose `say("name")` are the wordings that a profile must have."""
DICTIONARY_OF = "pocketsphinx"

Row = tuple[bool, str, str]
"""(is an error, where, what)"""


def check(folder: Path) -> int:
    """Exit status: 0 nothing or only hints, 1 errors."""
    console = Console()
    try:
        profile = load_profile(folder)
        rows = [*_of_profile(profile), *_of_names(folder, profile)]
        found = import_module("holdfast_tools.profile_check").findings(folder)
        rows += [(f.is_error, f.where, f.what) for f in found]
    except SettingsError as error:
        rows = [(True, str(folder), problem) for problem in error.problems]
    rows.sort(key=lambda row: not row[0])
    errors = sum(is_error for is_error, _, _ in rows)
    if rows:
        table = Table("", "where", "what")
        for is_error, where, what in rows:
            table.add_row("error" if is_error else "hint", where, what)
        console.print(table)
    console.print(f"{folder}: {errors} errors, {len(rows) - errors} hints")
    return 1 if errors else 0


def _of_profile(profile: Profile) -> Iterator[Row]:
    said, mentioned = _wordings()
    for key in sorted(said - set(profile.copy_)):
        yield True, f"copy.{key}", "the dialogue says this and the profile has no words for it"
    beginnings = tuple(text for text in mentioned if text.endswith("_") and len(text) > 3)  # f"noted_{field}"
    for key in sorted(set(profile.copy_) - mentioned):
        if not key.startswith(beginnings):
            yield True, f"copy.{key}", "nothing says this: a misspelt name?"
    known = _dictionary() | {word.lower() for word in profile.speech.pronunciations}
    words = {w for text in (profile.product, profile.company, *profile.speech.hints) for w in _words(text)}
    for word in sorted(words - known) if known else ():
        yield False, f"speech.{word}", "no pronunciation: the embedded recogniser cannot hear it"


def _of_names(folder: Path, profile: Profile) -> Iterator[Row]:
    """What the profile names that has to be in its other files."""
    articles = {article.id for article in load_articles(folder)}
    for article in sorted(set(profile.self_service) - articles):
        yield True, f"self_service.{article}", "there is no such article"
    if profile.legal.words and not profile.legal.question:
        yield True, "legal.question", "words are given and no question to look up"
    slots = folder / "not_covered_slots.json"
    rivals = json.loads(slots.read_text("utf-8")).get("rival", []) if slots.exists() else []
    known = {_joined(name) for name in profile.competitors}
    for rival in sorted({name for name in rivals if _joined(name) not in known}):
        yield False, "competitors", f"{rival!r} is a rival in not_covered_slots.json and not here"


def _joined(name: str) -> str:
    return re.sub(r"\W", "", name.lower())


def _wordings() -> tuple[set[str], set[str]]:
    """(names given to `say` and `says`, all strings in the dialogue's source): read, not run."""
    said: set[str] = set()
    mentioned: set[str] = set()
    specs = [find_spec(package) for package in SPOKEN_BY]
    for root in (root for spec in specs if spec for root in spec.submodule_search_locations or ()):
        for path in Path(root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    mentioned.add(node.value)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                    name = node.args[0]
                    if node.func.attr in ("say", "says") and isinstance(name, ast.Constant):
                        said.add(str(name.value))
    return said, mentioned


def _dictionary() -> set[str]:
    """Words that the embedded recogniser can pronounce; empty where it is not installed."""
    spec = find_spec(DICTIONARY_OF)
    if spec is None or not spec.origin:
        return set()
    paths = sorted(Path(spec.origin).parent.rglob("cmudict-en-us.dict"))
    lines = [line for path in paths[:1] for line in path.read_text("utf-8").splitlines() if line.strip()]
    return {re.sub(r"\(\d+\)$", "", line.split(maxsplit=1)[0]) for line in lines}


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']{2,}", text.lower())

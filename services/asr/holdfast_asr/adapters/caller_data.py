"""Reads what comes with the package: names, templates, classes, grammars."""

from __future__ import annotations

from importlib.resources import files

from holdfast_asr.domain.caller_language import CallerData, parse_classes, parse_topics


def load_caller_data() -> CallerData:
    folder = files("holdfast_asr") / "data"

    def text(name: str) -> str:
        return (folder / name).read_text("utf-8")

    def words(name: str) -> tuple[str, ...]:
        lines = (line for line in text(name).splitlines() if not line.startswith("#"))
        return tuple(dict.fromkeys(word for line in lines for word in line.split()))

    grammars = sorted(entry.name for entry in (folder / "grammars").iterdir() if entry.name.endswith(".gram"))
    return CallerData(
        first=words("first_names.txt"),
        last=words("last_names.txt"),
        domain=words("domain_words.txt"),
        classes=parse_classes(text("caller_classes.txt")),
        topics=parse_topics(text("caller_templates.txt")),
        grammars={name.removesuffix(".gram"): text(f"grammars/{name}") for name in grammars},
    )

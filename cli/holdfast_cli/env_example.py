"""`.env.example` from the settings themselves: `python -m holdfast_cli.env_example > .env.example`.

Every setting of every part with its default and meaning, so that the file cannot lag behind the code.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast_common.settings import CommonSettings
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from holdfast_cli.supervise.settings_check import SERVICES, settings_classes

WIDTH = 100
HEADER = """\
# Settings of Holdfast. Copy to .env and change what you need: everything has a default, nothing is required.
# The environment beats this file. `holdfast up` sets the bus, its credentials, the folders and the replica ids
# itself; PORT (or --port) sets the HTTP port. Wrong settings stop the start with one list of what is wrong.
# Written by `make env-example` from the settings classes; a test holds it complete.
"""
COMMAND_LINE = """\
# --- the command line ---
# HTTP port of `holdfast up`; without it 8080, or a free one when that is taken
# PORT=8080
# caller's voice (slt, rms, awb) and what is killed meanwhile (asr, all, none) in `make demo`
# VOICE=slt
# KILL=asr
"""


def variable(settings: type[BaseSettings], name: str, field: FieldInfo) -> str:
    """The environment variable of a field."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return str(alias or f"{settings.model_config.get('env_prefix', '')}{name}").upper()


def shown(default: Any) -> str:
    """A default as one would write it."""
    match default:
        case None:
            return ""
        case SecretStr():
            return default.get_secret_value()
        case bool():
            return str(default).lower()
        case str() | Path():
            return str(default)
        case Mapping():
            return ",".join(f"{k}={v}" for k, v in default.items())
        case Sequence():
            return ",".join(str(part) for part in default)
        case _:
            return str(default)


def section(title: str, classes: Sequence[type[BaseSettings]]) -> Iterator[str]:
    yield f"# --- {title} ---"
    for settings in classes:
        for name, field in settings.model_fields.items():
            yield from textwrap.wrap(field.description or name, WIDTH, initial_indent="# ", subsequent_indent="# ")
            yield f"# {variable(settings, name, field)}={shown(field.get_default(call_default_factory=True))}".rstrip()
    yield ""


def render() -> str:
    """The whole file."""
    lines = [HEADER, COMMAND_LINE, *section("every service", [CommonSettings])]
    for service in SERVICES:
        if classes := settings_classes(service.value):
            lines += section(service.value, classes)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(render(), end="")

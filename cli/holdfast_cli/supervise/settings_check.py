"""All settings of all services, checked before anything is started: one list of what is wrong.

Services are plug-ins to the command line: it knows them by name only, so their settings classes
are found, not imported by name.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from holdfast_common.contracts.registry import Service
from holdfast_common.errors import SettingsError
from holdfast_common.profile import load_articles, load_profile
from holdfast_common.settings import CommonSettings, load_settings
from pydantic_settings import BaseSettings

SERVICES = tuple(Service)


@contextmanager
def environment(extra: Mapping[str, str]) -> Iterator[None]:
    """Our own environment as a child will see it; put back afterwards."""
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def settings_classes(service: str) -> list[type[BaseSettings]]:
    """The settings classes that a service defines, perhaps none; raises SettingsError if it is not installed.

    By convention they are in `settings.py` and, where there are several, in `<part>_settings.py`.
    """
    spec = importlib.util.find_spec(f"holdfast_{service}")
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError([f"service {service} is not installed (package holdfast-{service}): make setup"])
    names = [m.name for m in pkgutil.iter_modules(spec.submodule_search_locations) if m.name.endswith("settings")]
    modules = [importlib.import_module(f"holdfast_{service}.{name}") for name in names]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseSettings) and value.__module__ == module.__name__
    ]


def problems(extra: Mapping[str, str], profile: Path) -> list[str]:
    """Everything that would keep a service from starting, in people's words."""
    found: list[str] = []
    with environment(extra):
        for attempt in (
            lambda: load_settings(CommonSettings),
            *(lambda service=service: load_settings(*settings_classes(service)) for service in SERVICES),
            lambda: load_profile(profile),
            lambda: load_articles(profile),
        ):
            try:
                attempt()
            except SettingsError as error:
                found += [problem for problem in error.problems if problem not in found]
    return found

"""The images' locks are what the shared environment was tested with, and name no registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
SERVICES = sorted(p.name for p in (ROOT / "services").iterdir() if (p / "pyproject.toml").exists())
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def pins(lock: str) -> set[tuple[str, str]]:
    return set(PINNED.findall((REQUIREMENTS / f"{lock}.txt").read_text("utf-8")))


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_the_versions_that_the_tests_ran_with(service: str) -> None:
    assert pins(service) <= pins("dev")


@pytest.mark.parametrize("lock", [*SERVICES, "build", "asr-cuda", "k8s", "dev", "uv"])
def test_every_package_is_held_to_a_hash_and_no_lock_names_a_registry(lock: str) -> None:
    text = (REQUIREMENTS / f"{lock}.txt").read_text("utf-8")

    assert "http://" not in text and "https://" not in text and "--index" not in text
    for package in re.split(r"\n(?=\S)", text.strip()):
        assert package.startswith("#") or "--hash=sha256:" in package, package[:80]


@pytest.mark.parametrize("service", SERVICES)
def test_no_lock_names_a_member_of_our_own(service: str) -> None:
    assert not [name for name, _ in pins(service) if name.startswith("holdfast")]

"""Print the third-party packages that our members ask for, as one requirements file (`make lock` runs it).

    collect.py                            of all members, for the shared environment
    collect.py libs/common services/asr   of these, for an image of its own

The members are not on any registry, so the resolver cannot be given their pyproject files as they
are; this takes their `dependencies` and leaves our own names out.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MEMBERS = ("libs/common", *sorted(f"services/{p.name}" for p in (ROOT / "services").iterdir() if p.is_dir()), "cli")


def wanted(members: Sequence[str]) -> list[str]:
    """Requirements of these members, sorted, each once; extras of holdfast-common included."""
    found: set[str] = set()
    for member in members:
        project = tomllib.loads((ROOT / member / "pyproject.toml").read_text("utf-8"))["project"]
        found.update(project["dependencies"])
        for extra in project.get("optional-dependencies", {}).values():
            found.update(extra)
    return sorted((name for name in found if not name.startswith("holdfast")), key=str.lower)


if __name__ == "__main__":
    print(f"# Third-party packages of {', '.join(sys.argv[1:]) or 'every service and the command line'}.", end=" ")
    print("Made by collect.py (`make lock`).")
    print("\n".join(wanted(sys.argv[1:] or MEMBERS)))

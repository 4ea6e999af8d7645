"""Render each overlay and hold every object against the Kubernetes schemas, offline (`make k8s-validate`).

    var/k8s-venv/bin/python infra/k8s/validate.py [--version 1.32] [overlay ...]

Strict: a field that the schema does not know is an error. KEDA's ScaledObject is not part of Kubernetes;
its schema lies in schemas/. Needs kubectl or kustomize for rendering, and what requirements/k8s.txt names.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

HERE = Path(__file__).parent
OWN_SCHEMAS = {("keda.sh/v1alpha1", "ScaledObject"): HERE / "schemas" / "scaledobject-keda-v1alpha1.json"}
VERSIONS = ("1.30", "1.34")
"""The oldest that we promise, and a late one; what is on the machine may know more."""


def render(overlay: Path) -> list[dict[str, Any]]:
    """All objects of an overlay, by kubectl or kustomize; exits with a reason where neither is there."""
    if found := shutil.which("kustomize"):
        command = [found, "build", str(overlay)]
    elif found := shutil.which("kubectl"):
        command = [found, "kustomize", str(overlay)]
    else:
        raise SystemExit("k8s-validate: neither kubectl nor kustomize here")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"k8s-validate: {overlay} does not render:\n{done.stderr}")
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def problems(one: dict[str, Any], version: str) -> Iterator[str]:
    """What the schemas have against one object."""
    name = f"{one['kind']}/{one['metadata']['name']}"
    if own := OWN_SCHEMAS.get((one["apiVersion"], one["kind"])):
        schema = json.loads(own.read_text("utf-8"))
        for error in jsonschema.Draft202012Validator(schema).iter_errors(one):
            yield f"{name}: {error.json_path}: {error.message}"
        return
    try:
        kubernetes_validate.validate(one, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{name}: {'.'.join(str(part) for part in error.path)}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        yield f"{name}: no schema ({error})"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("overlays", nargs="*", type=Path, default=sorted((HERE / "overlays").iterdir()))
    parser.add_argument("--version", action="append", help="of Kubernetes, e.g. 1.32; may be repeated")
    arguments = parser.parse_args()
    failed = 0
    for overlay in arguments.overlays:
        objects = render(overlay)
        for version in arguments.version or VERSIONS:
            found = [problem for one in objects for problem in problems(one, version)]
            failed += len(found)
            print(f"{overlay.name}: {len(objects)} objects against Kubernetes {version}: {len(found)} problems")
            print("".join(f"  {problem}\n" for problem in found), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

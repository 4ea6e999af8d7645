"""What the dashboards and scrape rules ask for is what the services export."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infra/grafana/provisioning"
DASHBOARDS = sorted(FOLDER.glob("dashboards/*.json"))
UNITS = {"ms": "_milliseconds", "s": "_seconds", "": ""}


def exported() -> set[str]:
    """Names on a metrics page, from the instruments as they are written down."""
    source = (ROOT / "libs/common/holdfast_common/telemetry.py").read_text("utf-8")
    found = set()
    for kind, arguments in re.findall(r"^[A-Z0-9_]+ = (METER\.create_\w+|Level)\((.*?)\)$", source, re.M | re.S):
        name = re.search(r'"(holdfast\.\w+)"', arguments)
        unit = re.search(r'unit="(\w+)"', arguments)
        assert name, arguments
        base = name[1].replace(".", "_") + UNITS[unit[1] if unit else ""]
        if kind.endswith("counter"):
            found.add(base + "_total")
        elif kind.endswith("histogram"):
            found |= {base + end for end in ("_bucket", "_sum", "_count")}
        else:
            found.add(base)
    return found


def panels(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text("utf-8"))["panels"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_asks_for_metrics_that_exist(path: Path) -> None:
    """A renamed instrument would leave an empty panel that looks like peace."""
    asked = {
        name
        for panel in panels(path)
        for target in panel["targets"]
        for name in re.findall(r"\bholdfast_\w+", target["expr"])
    }

    assert asked
    assert asked - exported() == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_are_told_apart_and_find_their_data(path: Path) -> None:
    """One id each, no two in one place, and the data source is the one that is provisioned."""
    sources = yaml.safe_load((FOLDER / "datasources/prometheus.yaml").read_text("utf-8"))["datasources"]

    found = panels(path)
    assert len({panel["id"] for panel in found}) == len(found)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in found}) == len(found)
    assert {panel["datasource"]["uid"] for panel in found} <= {source["uid"] for source in sources}


def test_there_is_a_dashboard() -> None:
    """And the provider looks where it lies."""
    provider = yaml.safe_load((FOLDER / "dashboards/holdfast.yaml").read_text("utf-8"))["providers"][0]

    assert DASHBOARDS
    assert provider["options"]["path"] == "/etc/grafana/provisioning/dashboards"

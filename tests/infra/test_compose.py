"""docker-compose.yml keeps what the documents promise of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from holdfast_common.contracts.registry import Service

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
OURS = [service.value for service in Service]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def environment(service: str) -> dict[str, Any]:
    return COMPOSE["services"][service].get("environment", {})


def test_every_service_and_what_it_stands_on_is_there() -> None:
    wanted = {*OURS, "nats", "postgres", "otel-collector", "prometheus", "grafana"}

    assert set(COMPOSE["services"]) == wanted


@pytest.mark.parametrize("service", OURS)
def test_our_containers_run_without_rights_on_a_read_only_root(service: str) -> None:
    container = COMPOSE["services"][service]

    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in container["security_opt"]
    assert "privileged" not in container


@pytest.mark.parametrize("service", list(COMPOSE["services"]))
def test_everything_comes_back_and_no_log_grows_without_end(service: str) -> None:
    container = COMPOSE["services"][service]

    assert container["restart"] == "unless-stopped"
    assert container["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


@pytest.mark.parametrize("service", OURS)
def test_a_replica_told_to_stop_has_time_to_finish(service: str) -> None:
    grace_s = int(COMPOSE["services"][service]["stop_grace_period"].removesuffix("s"))

    assert grace_s > 30, "HOLDFAST_DRAIN_S"


@pytest.mark.parametrize("service", OURS)
def test_each_service_has_a_bus_user_of_its_own_and_its_password_in_a_file(service: str) -> None:
    assert environment(service)["HOLDFAST_NATS_USER"] == service
    assert {"source": f"nats_{service}", "target": "holdfast_nats_password"} in COMPOSE["services"][service]["secrets"]


def test_no_secret_is_in_the_environment() -> None:
    for service in COMPOSE["services"]:
        for name, value in environment(service).items():
            if re.search(r"PASSWORD|TOKEN|SECRET", name):
                assert str(value).startswith("/run/secrets/"), (service, name)


def test_every_secret_that_is_mounted_is_declared_and_lies_in_one_folder() -> None:
    declared = COMPOSE["secrets"]
    for container in COMPOSE["services"].values():
        for secret in container.get("secrets", []):
            assert (secret if isinstance(secret, str) else secret["source"]) in declared
    assert all(secret["file"].startswith("./secrets/") for secret in declared.values())


def test_only_the_gateway_is_published_beyond_this_machine_and_only_if_told_to() -> None:
    for service, container in COMPOSE["services"].items():
        for port in container.get("ports", []):
            assert port.startswith("${BIND:-127.0.0.1}:" if service == "gateway" else "127.0.0.1:"), (service, port)


@pytest.mark.parametrize("service", OURS)
def test_an_image_is_built_for_each_service(service: str) -> None:
    assert COMPOSE["services"][service]["build"]["args"]["SERVICE"] == service
    assert f"AS run-{service}\n" in DOCKERFILE
    assert (ROOT / "requirements" / f"{service}.txt").exists()


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]

    assert "USER 10001:10001" in last
    assert "HEALTHCHECK" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE

"""What is rendered for Kubernetes keeps our rules: rights, probes, drain, budgets, scaling, secrets.

Schemas are another matter (`make k8s-validate`): here it is about what a valid object can still get wrong.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from holdfast_common.contracts.registry import Service
from holdfast_common.settings import CommonSettings
from holdfast_gateway.edge_settings import EdgeSettings

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "infra" / "k8s"
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())
OURS = [service.value for service in Service]

pytestmark = pytest.mark.skipif(
    not (shutil.which("kubectl") or shutil.which("kustomize")), reason="needs kubectl or kustomize to render"
)


@cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    folder = str(K8S / "overlays" / overlay)
    command = ["kustomize", "build", folder] if shutil.which("kustomize") else ["kubectl", "kustomize", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def of_kind(overlay: str, *kinds: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in rendered(overlay) if one["kind"] in kinds}


def workloads(overlay: str) -> dict[str, dict[str, Any]]:
    return of_kind(overlay, "Deployment", "StatefulSet")


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def containers(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, workload in workloads(overlay).items():
        for container in pod(workload)["containers"]:
            yield name, container


def told(overlay: str, workload: dict[str, Any]) -> dict[str, str]:
    """The environment of a workload's container: its config maps, then its own."""
    (container,) = pod(workload)["containers"]
    maps = of_kind(overlay, "ConfigMap")
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        values |= maps[source["configMapRef"]["name"]]["data"]
    return values | {one["name"]: one["value"] for one in container.get("env", []) if "value" in one}


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_service_runs(overlay: str) -> None:
    assert {*OURS, "edge", "nats"} <= set(workloads(overlay))


def test_pods_meet_the_restricted_standard(overlay: str) -> None:
    for name, workload in workloads(overlay).items():
        spec = pod(workload)
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not any("hostPath" in volume for volume in spec["volumes"]), name
    for name, container in containers(overlay):
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False, name
        assert rights["readOnlyRootFilesystem"] is True, name
        assert rights["capabilities"] == {"drop": ["ALL"]}, name


def test_every_container_is_probed_and_bounded(overlay: str) -> None:
    for name, container in containers(overlay):
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container), name
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
        assert "memory" in container["resources"]["limits"], name
        assert "cpu" not in container["resources"]["limits"], f"{name}: throttling would be heard"


def test_our_own_liveness_does_not_hang_on_others(overlay: str) -> None:
    """A bus that is away must not have pods killed: /health is about the process, /ready about the rest."""
    for service in OURS:
        (container,) = pod(workloads(overlay)[service])["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/health"
        assert container["readinessProbe"]["httpGet"]["path"] == "/ready"


def test_a_pod_that_leaves_has_time_to_drain(overlay: str) -> None:
    for service in OURS:
        workload = workloads(overlay)[service]
        drain_s = float(told(overlay, workload)["HOLDFAST_DRAIN_S"])
        assert pod(workload)["terminationGracePeriodSeconds"] >= drain_s + 10, service


def test_a_gateway_waits_for_its_longest_call(overlay: str) -> None:
    told_gateway = told(overlay, workloads(overlay)["gateway"])
    longest_s = float(EdgeSettings.model_fields["max_call_s"].default)

    assert float(told_gateway["HOLDFAST_DRAIN_S"]) > longest_s
    assert pod(workloads(overlay)["edge"])["terminationGracePeriodSeconds"] > longest_s


def test_every_setting_that_is_given_exists(overlay: str) -> None:
    """A misspelt setting would be ignored in silence."""
    known = {f"HOLDFAST_{name.upper()}" for name in CommonSettings.model_fields} | {"HOLDFAST_SECRETS_DIR"}
    text = (ROOT / ".env.example").read_text("utf-8")
    known |= set(re.findall(r"^# (HOLDFAST_[A-Z0-9_]+)=", text, re.MULTILINE))
    for service in OURS:
        given = {name for name in told(overlay, workloads(overlay)[service]) if name.startswith("HOLDFAST_")}
        assert given <= known, service


def test_secrets_are_files_and_none_is_rendered(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == {}
    for service in OURS:
        workload = workloads(overlay)[service]
        assert not any(n.endswith(("_PASSWORD", "_TOKEN", "_SECRET")) for n in told(overlay, workload)), service
        mounted = {v["name"]: v["secret"]["secretName"] for v in pod(workload)["volumes"] if "secret" in v}
        assert mounted == {"secrets": f"holdfast-{service}"}


def test_the_secrets_that_are_made_are_those_that_are_mounted(overlay: str, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "infra/compose/make_secrets.py"), "--folder", str(tmp_path / "s"), "--kubernetes"],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    secrets = {one["metadata"]["name"]: one["stringData"] for one in json.loads(made.stdout)["items"]}
    settings = {name.lower() for name in re.findall(r"# (HOLDFAST_\w+)=", (ROOT / ".env.example").read_text("utf-8"))}

    for workload in workloads(overlay).values():
        for volume in pod(workload)["volumes"]:
            sources = volume.get("projected", {}).get("sources", [])
            wanted = [volume["secret"]["secretName"]] if "secret" in volume else []
            wanted += [source["secret"]["name"] for source in sources if "secret" in source]
            assert set(wanted) <= set(secrets)
    for service in OURS:
        named = {name for name in secrets[f"holdfast-{service}"] if name.startswith("holdfast_")}
        assert named <= settings, "such a file is read as the setting that it is called like"
        files = {value for name, value in told(overlay, workloads(overlay)[service]).items() if name.endswith("_FILE")}
        there = {f"/run/secrets/holdfast/{name}" for name in secrets[f"holdfast-{service}"]}
        assert files == ({"/run/secrets/holdfast/database_password"} & there)


def test_whatever_runs_twice_has_a_disruption_budget(overlay: str) -> None:
    budgets = {
        budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
        for budget in of_kind(overlay, "PodDisruptionBudget").values()
    }
    for name, workload in workloads(overlay).items():
        assert name in budgets or workload["spec"]["replicas"] == 1, name


def test_selectors_find_the_pods_that_they_are_for(overlay: str) -> None:
    labels = [workload["spec"]["template"]["metadata"]["labels"] for workload in workloads(overlay).values()]
    for service in of_kind(overlay, "Service").values():
        wanted = service["spec"]["selector"].items()
        assert sum(wanted <= found.items() for found in labels) == 1, service["metadata"]["name"]


def test_a_gateway_s_media_address_leads_to_its_own_pod(overlay: str) -> None:
    """The proxy's rule, the pod's address and the headless service must agree, or no call has audio."""
    gateway = workloads(overlay)["gateway"]
    address = told(overlay, gateway)["HOLDFAST_GATEWAY_MEDIA_BASE_URL"]
    edge = next(one for one in rendered(overlay) if one["metadata"]["name"].startswith("edge-config"))
    rule = re.search(r"location ~ (\S+) \{\s*proxy_pass (\S+);", edge["data"]["edge.conf"])
    assert rule is not None
    own = [one["name"] for one in pod(gateway)["containers"][0]["env"]]
    for used in re.findall(r"\$\((\w+)\)", address):
        assert own.index(used) < own.index("HOLDFAST_GATEWAY_MEDIA_BASE_URL"), "only what stands before it is put in"
    path = address.replace("$(HOLDFAST_GATEWAY_PUBLIC_BASE_URL)", "").replace("$(HOLDFAST_REPLICA)", "gateway-7")
    found = re.match(rule[1].replace("(?<", "(?P<"), f"{path}/twilio/media")

    assert found is not None and found["pod"] == "gateway-7" and found["rest"] == "/twilio/media"
    assert rule[2] == f"http://$pod.{gateway['spec']['serviceName']}.holdfast.svc.cluster.local:8080$rest"
    headless = of_kind(overlay, "Service")[gateway["spec"]["serviceName"]]["spec"]
    assert headless["clusterIP"] == "None" and headless["publishNotReadyAddresses"] is True


def test_production_keeps_the_log_on_as_many_servers_as_there_are() -> None:
    servers = workloads("production")["nats"]["spec"]["replicas"]
    config = told("production", workloads("production")["dialogue"])

    assert servers == int(config["HOLDFAST_LOG_REPLICAS"]) == 3
    assert len(config["HOLDFAST_NATS_URL"].split(",")) == servers
    cluster = next(one for one in rendered("production") if one["metadata"]["name"].startswith("nats-config"))["data"]
    assert [f"nats-{n}.nats-pods:6222" in cluster["cluster.conf"] for n in range(servers)] == [True] * servers


def test_the_recogniser_of_production_runs_on_gpus_and_scales_by_what_it_hears() -> None:
    asr = pod(workloads("production")["asr"])
    (container,) = asr["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert asr["nodeSelector"] and asr["tolerations"]
    scaled = of_kind("production", "ScaledObject")
    for name, query in (("asr", 'sum(holdfast_streams{service="asr"})'), ("gateway", "sum(holdfast_calls)")):
        target = scaled[name]["spec"]["scaleTargetRef"]
        assert workloads("production")[target["name"]]["kind"] == target["kind"]
        assert scaled[name]["spec"]["triggers"][0]["metadata"]["query"] == query


def test_scaling_asks_for_metrics_that_exist() -> None:
    telemetry = (ROOT / "libs/common/holdfast_common/telemetry.py").read_text("utf-8")
    for scaled in of_kind("production", "ScaledObject").values():
        for trigger in scaled["spec"]["triggers"]:
            for metric in re.findall(r"holdfast_(\w+)", trigger["metadata"]["query"]):
                assert f'"holdfast.{metric}"' in telemetry

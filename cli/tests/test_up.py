"""What `holdfast up` decides before and while it starts anything."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from holdfast_cli.env_example import render, variable
from holdfast_cli.supervise import nats_server, run_file
from holdfast_cli.supervise.plan import Plan, parse_replicas
from holdfast_cli.supervise.readiness import waiting_for
from holdfast_cli.supervise.run_file import NotRunningError, RunFile
from holdfast_cli.supervise.settings_check import SERVICES, problems, settings_classes
from holdfast_cli.up import UpOptions, http_port, make_plan, sibling_ports
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.registry import Service
from holdfast_common.errors import SettingsError

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "profiles/trial_success"


def plan(**more: object) -> Plan:
    bus = nats_server.Bus("nats://127.0.0.1:4222", "u", "p", Path("nats.conf"))
    values: dict[str, object] = {"profile": PROFILE, "state_dir": Path("state"), "port": 8080, **more}
    return Plan(bus=bus, nats_binary=Path("nats-server"), **values)  # type: ignore[arg-type]


class TestReplicas:
    def test_a_number_means_all_that_may_have_several(self):
        """The gateway has the one port, records the one durable reader: they stay single."""
        assert parse_replicas("2") == {Service.ASR: 2, Service.DIALOGUE: 2, Service.TTS: 2, Service.TOOLS: 2}

    def test_services_can_be_named(self):
        """The others stay at one."""
        children = [spec.name for spec in plan(replicas=parse_replicas("asr=2, tts=3")).services()]

        assert [n for n in children if n.startswith(("asr", "tts"))] == ["asr-1", "asr-2", "tts-1", "tts-2", "tts-3"]
        assert children.count("gateway-1") == 1

    def test_everything_wrong_is_told_at_once(self):
        """Three mistakes, three lines."""
        with pytest.raises(SettingsError) as refused:
            parse_replicas("gateway=2,asr=0,ears=1")

        assert len(refused.value.problems) == 3


class TestGateways:
    def test_each_has_a_port_and_an_address_of_its_own(self):
        """Known outside by one address; found again each by its own."""
        first, second = [s for s in plan(sibling_ports=(9001,)).services() if s.name.startswith("gateway")]

        assert (first.env["HOLDFAST_GATEWAY_PORT"], second.env["HOLDFAST_GATEWAY_PORT"]) == ("8080", "9001")
        assert first.env["HOLDFAST_GATEWAY_PUBLIC_BASE_URL"] == second.env["HOLDFAST_GATEWAY_PUBLIC_BASE_URL"]
        assert second.env["HOLDFAST_GATEWAY_MEDIA_BASE_URL"] == "http://127.0.0.1:9001"

    def test_behind_a_proxy_each_is_a_path_of_the_public_address(self):
        """What the proxy's example routes."""
        specs = plan(sibling_ports=(9001,), public_url="https://voice.example.com/").services()
        second = next(s for s in specs if s.name == "gateway-2")

        assert second.env["HOLDFAST_GATEWAY_MEDIA_BASE_URL"] == "https://voice.example.com/gateway/2"

    def test_one_alone_is_told_nothing_of_siblings(self):
        """Its media come by the public address, as ever."""
        gateway = next(s for s in plan().services() if s.name == "gateway-1")

        assert "HOLDFAST_GATEWAY_MEDIA_BASE_URL" not in gateway.env

    @pytest.mark.parametrize("gateways", [0, -1, 17])
    def test_a_number_that_makes_no_sense_is_refused(self, gateways):
        """Before anything is started."""
        with pytest.raises(SettingsError, match="--gateways"):
            sibling_ports(gateways)


class TestEnvironment:
    def test_a_child_is_told_where_the_bus_is_and_who_it_is(self):
        """Each replica by its own name."""
        (asr,) = [spec for spec in plan().services() if spec.name == "asr-1"]

        assert asr.argv[1:] == ("-m", "holdfast_asr")
        assert asr.env["HOLDFAST_REPLICA"] == "asr-1"
        assert asr.env["HOLDFAST_NATS_PASSWORD"] == "p"
        assert asr.env["HOLDFAST_EXIT_WITH_PARENT"] == "true"

    def test_each_replica_has_a_health_page_of_its_own_where_one_is_asked_for(self):
        """One port for all would let the first start and no other."""
        ports = [spec.env.get("HOLDFAST_HEALTH_PORT") for spec in plan(health_port=9000).services()]

        assert ports == [str(9000 + place) for place in range(6)]
        assert not any("HOLDFAST_HEALTH_PORT" in spec.env for spec in plan().services())

    def test_all_replicas_share_one_secret_for_tokens(self):
        """A caller must be able to return to a restarted gateway."""
        one = plan()

        assert len({spec.env["HOLDFAST_GATEWAY_TOKEN_SECRET"] for spec in one.services()}) == 1
        assert one.token_secret != plan().token_secret

    def test_what_is_set_for_children_are_settings_that_exist(self):
        """A renamed setting would silently do nothing."""
        known = {
            variable(settings, name, field)
            for service in SERVICES
            for settings in settings_classes(service.value)
            for name, field in settings.model_fields.items()
        }
        told = plan(scripted=True, auth_token="t").environment()

        services = tuple(f"HOLDFAST_{service.value.upper()}_" for service in SERVICES)
        assert {name for name in told if name.startswith(services)} <= known

    def test_scripted_settings_hold(self):
        """Values, not only names."""
        assert problems(plan(scripted=True, auth_token="t").environment(), PROFILE) == []


class TestSettings:
    def test_problems_of_all_services_and_the_profile_are_one_list(self, tmp_path: Path):
        """Three places, one list."""
        (tmp_path / "profile.yaml").write_text("id: x\n")

        found = problems({"HOLDFAST_TTS_ENGINES": "gramophone", "HOLDFAST_LOG_LEVEL": "loud"}, tmp_path)

        assert any("HOLDFAST_TTS_ENGINES" in problem for problem in found)
        assert any("HOLDFAST_LOG_LEVEL" in problem for problem in found)
        assert any("profile.yaml" in problem for problem in found)

    def test_every_step_before_the_start_tells_its_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """A wrong port does not hide a wrong replica, nor a wrong setting."""
        monkeypatch.setenv("PORT", "eighty")
        monkeypatch.setenv("HOLDFAST_TTS_ENGINES", "gramophone")

        with pytest.raises(SettingsError) as refused:
            make_plan(UpOptions(home=tmp_path, profile=PROFILE, replicas="ears=2"))

        told = "\n".join(refused.value.problems)
        assert all(word in told for word in ("eighty", "ears", "gramophone"))
        assert len(refused.value.problems) == 3

    def test_our_own_environment_is_left_as_it_was(self):
        """The check borrows it."""
        problems({"HOLDFAST_LOG_LEVEL": "loud"}, PROFILE)

        assert os.environ.get("HOLDFAST_LOG_LEVEL") is None

    def test_the_example_names_every_setting(self):
        """`make env-example` writes it."""
        written, rendered = (
            {line.removeprefix("# ").partition("=")[0] for line in text.splitlines() if "=" in line}
            for text in ((ROOT / ".env.example").read_text(), render())
        )

        assert rendered <= written


class TestPorts:
    def test_a_port_that_was_asked_for_and_is_taken_is_a_problem(self):
        """Another one would be a surprise."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]

            with pytest.raises(SettingsError, match="taken"):
                http_port(port, None)
            with pytest.raises(SettingsError, match="taken"):
                http_port(None, str(port))

    def test_rubbish_in_port_is_a_problem(self):
        """With what was found."""
        with pytest.raises(SettingsError, match="eighty"):
            http_port(None, "eighty")

    def test_zero_means_any_free_one(self):
        """For tests and the demo."""
        assert 1024 < http_port(0, "8080") < 65_536

    def test_the_option_beats_the_environment(self):
        """As everywhere."""
        free = nats_server.free_port()

        assert http_port(free, "1") == free


class TestFiles:
    def test_passwords_are_readable_by_us_alone(self, tmp_path: Path):
        """Configuration and run file."""
        bus = nats_server.prepare(tmp_path / "run", tmp_path / "state")
        path = run_file.path_of(tmp_path, "x")
        run_file.write(path, running(os.getpid()))

        for file in (bus.config, path):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert bus.password in bus.config.read_text()
        assert nats_server.prepare(tmp_path / "run", tmp_path / "state").password != bus.password

    def test_a_run_file_left_by_a_dead_run_is_no_running_system(self, tmp_path: Path):
        """SIGKILL cannot remove it."""
        path = run_file.path_of(tmp_path, "x")
        run_file.write(path, running(2**22 - 1))

        with pytest.raises(NotRunningError, match="has ended"):
            run_file.read(path)

    def test_no_run_file_says_how_to_start(self, tmp_path: Path):
        """For people who try `holdfast call` first."""
        with pytest.raises(NotRunningError, match="holdfast up"):
            run_file.read(tmp_path / "none.json")

    def test_a_second_start_in_the_same_folder_is_refused(self, tmp_path: Path):
        """Two systems on one ledger would disturb each other."""
        run_file.write(run_file.path_of(tmp_path, "holdfast"), running(os.getpid()))

        with pytest.raises(SettingsError, match="already runs"):
            make_plan(UpOptions(home=tmp_path, profile=PROFILE, port=0))

        assert not (tmp_path / "run/nats.conf").exists()


def running(pid: int) -> RunFile:
    return RunFile(
        name="x",
        pid=pid,
        nats_url="nats://127.0.0.1:4222",
        nats_user="u",
        nats_password="p",
        http_url="http://127.0.0.1:8080",
        profile="profile",
        state_dir="state",
    )


class TestReadiness:
    @staticmethod
    def beat(**more: object) -> Beat:
        values: dict[str, object] = {"service": "asr", "replica": "asr-1", "version": "1", "boot": "b", "pid": 7}
        return Beat(**{**values, "capacity_free": 4, **more})  # type: ignore[arg-type]

    def test_a_healthy_beat_of_the_process_that_runs_is_ready(self):
        """Nothing is waited for."""
        assert waiting_for({"asr-1": self.beat()}, {"asr-1": 7}) == []

    @pytest.mark.parametrize(
        ("beat", "why"),
        [({"pid": 6}, "not reported"), ({"healthy": False}, "not well"), ({"capacity_free": 0}, "warming up")],
    )
    def test_anything_else_is_waited_for(self, beat: dict[str, object], why: str):
        """The last beat of a killed process, an ill one, one without its model."""
        assert why in waiting_for({"asr-1": self.beat(**beat)}, {"asr-1": 7})[0]

    def test_a_silent_child_is_waited_for(self):
        """No beat at all."""
        assert "not reported" in waiting_for({}, {"asr-1": 7})[0]

    def test_a_gateway_without_free_seats_is_ready_all_the_same(self):
        """Seats are no streams."""
        beat = self.beat(service="gateway", replica="gateway-1", capacity_free=0)

        assert waiting_for({"gateway-1": beat}, {"gateway-1": 7}) == []

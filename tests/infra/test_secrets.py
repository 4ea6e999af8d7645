"""Secrets of a composed system: made once, kept, readable for nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from holdfast_common.settings import CommonSettings, load_settings

ROOT = Path(__file__).resolve().parents[2]


def make(folder: Path) -> None:
    subprocess.run(
        [
            *(sys.executable, str(ROOT / "infra/compose/make_secrets.py")),
            *("--folder", str(folder / "secrets"), "--run-file", str(folder / "run" / "compose.json")),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )


def test_a_secret_put_in_place_is_kept_and_every_user_has_a_password_of_its_own(tmp_path: Path) -> None:
    make(tmp_path)
    before = {path.name: path.read_text("utf-8") for path in (tmp_path / "secrets").iterdir()}
    own = tmp_path / "secrets" / "twilio_auth_token.txt"
    own.unlink()
    own.write_text("a token from the console\n", "utf-8")

    make(tmp_path)

    after = {path.name: path.read_text("utf-8") for path in (tmp_path / "secrets").iterdir()}
    assert after == before | {own.name: "a token from the console\n"}
    passwords = [text for name, text in after.items() if name.startswith("nats_") and name.endswith(".txt")]
    assert len(passwords) == len(set(passwords)) == 7


def test_nobody_else_reads_the_secrets_or_the_run_file(tmp_path: Path) -> None:
    make(tmp_path)
    run_file = tmp_path / "run" / "compose.json"

    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    assert run_file.stat().st_mode & 0o077 == 0
    assert json.loads(run_file.read_text("utf-8"))["nats_user"] == "operator"


def test_services_read_mounted_secrets_and_the_environment_beats_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "holdfast_nats_password").write_text("mounted\n", "utf-8")
    (tmp_path / "holdfast_nats_user").write_text("asr\n", "utf-8")
    monkeypatch.setenv("HOLDFAST_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDFAST_NATS_USER", "gateway")

    (settings,) = load_settings(CommonSettings)

    assert settings.nats_password.get_secret_value() == "mounted"
    assert settings.nats_user == "gateway"


def test_a_folder_of_secrets_that_is_not_there_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_SECRETS_DIR", str(tmp_path / "nothing"))

    (settings,) = load_settings(CommonSettings)

    assert settings.nats_password.get_secret_value() == ""

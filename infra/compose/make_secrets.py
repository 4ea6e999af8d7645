"""Make the secrets of a deployed system, once: random ones in `secrets/`, one file each (`make secrets`).

    python3 infra/compose/make_secrets.py [--folder secrets] [--run-file var/run/compose.json]
    python3 infra/compose/make_secrets.py --kubernetes | kubectl apply -f -

What is there is kept, so a secret of your own (Twilio's auth token) is put into its file and stays.
The folder is 0700; its files are readable for the containers' user, who sees nothing but those
mounted for it. The run file lets `holdfast call --name compose` find the system. With --kubernetes the same
secrets are printed as objects, one Secret a service, and no run file is written. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

SERVICES = ("asr", "dialogue", "gateway", "records", "tools", "tts")
USERS = (*SERVICES, "operator")
FURTHER = {
    "gateway": {
        "holdfast_gateway_twilio_auth_token": "twilio_auth_token.txt",
        "holdfast_gateway_token_secret": "token_secret.txt",
    },
    "tools": {"database_password": "postgres.txt"},
    "records": {"database_password": "postgres.txt"},
}
"""What a service mounts beside its password on the bus: name there (most are called like the setting), file here."""


def keep(path: Path, text: str) -> str:
    """Write a secret where there is none yet; returns what holds."""
    if not path.exists():
        path.write_text(text, "utf-8")
        path.chmod(0o444)
    return path.read_text("utf-8").strip()


def make(folder: Path) -> dict[str, str]:
    """Everything that docker-compose.yml mounts; the bus's passwords by user."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = {user: keep(folder / f"nats_{user}.txt", secrets.token_urlsafe(24)) for user in USERS}
    lines = [f"{user.upper()}_PASSWORD: {json.dumps(password)}" for user, password in passwords.items()]
    # Made again each time: it is the server's view of the files beside it.
    server = folder / "nats_passwords.conf"
    server.unlink(missing_ok=True)
    keep(server, "\n".join([*lines, ""]))
    keep(folder / "postgres.txt", secrets.token_urlsafe(24))
    keep(folder / "token_secret.txt", secrets.token_urlsafe(32))
    keep(folder / "twilio_auth_token.txt", secrets.token_hex(16))
    keep(folder / "grafana_admin.txt", secrets.token_urlsafe(16))
    return passwords


def write_run_file(path: Path, folder: Path, passwords: dict[str, str], http_url: str, public_url: str) -> None:
    """How the command line finds the system; 0600, because it holds the operator's password."""
    run = {
        "name": path.stem,
        "pid": 0,
        "nats_url": "nats://127.0.0.1:4222",
        "nats_user": "operator",
        "nats_password": passwords["operator"],
        "http_url": http_url,
        "profile": "profiles/trial_success",
        "state_dir": "var/compose",
        "auth_token": (folder / "twilio_auth_token.txt").read_text("utf-8").strip(),
        "public_url": public_url,
        "ready": True,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(run, file, indent=2)


def kubernetes(folder: Path, namespace: str) -> dict[str, Any]:
    """The same secrets as objects: each service's own, the bus's, and the test database's."""
    contents = {
        f"holdfast-{service}": {"holdfast_nats_password": f"nats_{service}.txt", **FURTHER.get(service, {})}
        for service in SERVICES
    }
    contents["holdfast-nats"] = {"passwords.conf": "nats_passwords.conf"}
    contents["holdfast-postgres"] = {"postgres": "postgres.txt"}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": namespace},
                "type": "Opaque",
                "stringData": {key: (folder / file).read_text("utf-8") for key, file in files.items()},
            }
            for name, files in contents.items()
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("secrets"))
    parser.add_argument("--run-file", type=Path, default=Path("var/run/compose.json"))
    parser.add_argument("--kubernetes", action="store_true", help="print them as objects")
    parser.add_argument("--namespace", default="holdfast")
    arguments = parser.parse_args()
    passwords = make(arguments.folder)
    if arguments.kubernetes:
        json.dump(kubernetes(arguments.folder, arguments.namespace), sys.stdout, indent=1)
        return
    http_url = f"http://127.0.0.1:{os.environ.get('PORT', '8080')}"
    public_url = os.environ.get("PUBLIC_BASE_URL", "")
    write_run_file(arguments.run_file, arguments.folder, passwords, http_url, public_url)
    print(f"secrets: {arguments.folder}/ (kept where they were), {arguments.run_file}")


if __name__ == "__main__":
    main()

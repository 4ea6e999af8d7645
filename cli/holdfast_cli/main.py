"""The `holdfast` command. Each subcommand imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast_cli.eval.commands import app as eval_app

app = typer.Typer(
    name="holdfast",
    help="Voice agents whose calls survive.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(eval_app, name="eval")

Home = Annotated[Path, typer.Option(help="folder for state, logs and the run file")]
Name = Annotated[str, typer.Option(help="name of the run")]
ProfileFolder = Annotated[Path, typer.Option(help="folder of the agent profile", envvar="HOLDFAST_PROFILE")]
AuthToken = Annotated[
    str, typer.Option(help="Twilio auth token that signs requests", envvar="HOLDFAST_GATEWAY_TWILIO_AUTH_TOKEN")
]


@app.command()
def up(
    *,
    home: Home = Path("var"),
    name: Name = "holdfast",
    profile: ProfileFolder = Path("profiles/trial_success"),
    port: Annotated[int | None, typer.Option(help="HTTP port; else PORT, else 8080 or a free one")] = None,
    replicas: Annotated[str, typer.Option(help="2, or asr=2,tts=3: how many of asr, dialogue, tts, tools")] = "",
    gateways: Annotated[int, typer.Option(help="gateway processes; each holds calls on a core of its own")] = 1,
    scripted: Annotated[bool, typer.Option(help="engines that cost nothing, for measuring")] = False,
    auth_token: AuthToken = "",
    quiet: Annotated[bool, typer.Option(help="the log goes to its file only")] = False,
    exit_with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start everything on this machine and keep it alive until Ctrl-C."""
    from holdfast_cli import up as command  # noqa: PLC0415 - keeps `--help` quick

    options = command.UpOptions(
        home=home,
        name=name,
        profile=profile,
        port=port,
        replicas=replicas,
        gateways=gateways,
        scripted=scripted,
        auth_token=auth_token,
        quiet=quiet,
        exit_with_parent=exit_with_parent,
    )
    raise typer.Exit(command.up(options))


@app.command()
def call(
    lines: Annotated[list[str] | None, typer.Argument(help="what to say, or WAV files; none: you type")] = None,
    *,
    home: Home = Path("var"),
    name: Name = "holdfast",
    script: Annotated[Path | None, typer.Option(help="YAML script of lines (see cli/README.md)")] = None,
    folder: Annotated[Path | None, typer.Option(help="folder of the script's recordings; else beside it")] = None,
    wav: Annotated[Path | None, typer.Option(help="save the call here: left caller, right agent")] = None,
    voice: Annotated[str, typer.Option(help="voice of lines that are text (a name of the tts service)")] = "slt",
    webhook: Annotated[str, typer.Option(help="voice webhook, if not that of the run")] = "",
    public_url: Annotated[str, typer.Option(help="address as the server signs it, if not the webhook's own")] = "",
    auth_token: AuthToken = "",
) -> None:
    """Ring up a running system as a phone would, and talk."""
    from holdfast_cli import call as command  # noqa: PLC0415 - keeps `--help` quick

    options = command.CallOptions(
        home=home,
        name=name,
        script=script,
        lines=tuple(lines or ()),
        folder=folder,
        wav=wav,
        auth_token=auth_token,
        public_url=public_url,
        webhook=webhook,
        voice=voice,
    )
    raise typer.Exit(command.call(options))


@app.command()
def load(
    target: Annotated[
        str, typer.Argument(help="http://host:port, a voice webhook, or ws://host/path; none: the run of --name")
    ] = "",
    *,
    home: Home = Path("var"),
    name: Name = "holdfast",
    calls: Annotated[int, typer.Option("-n", "--calls", min=1, max=5_000, help="callers at once")] = 1,
    stagger: Annotated[float, typer.Option(min=0, help="seconds over which they ring; 0: all at once")] = 3.0,
    scenario: Annotated[
        str, typer.Option(help="what they say: a .yaml file, or questions, barge-in, interrupting")
    ] = "questions",
    turns: Annotated[int | None, typer.Option(min=1, max=1_000, help="turns a call, going round the scenario")] = None,
    noise: Annotated[float | None, typer.Option(help="white noise under everything: signal to noise, dB")] = None,
    barge_in: Annotated[
        float | None, typer.Option(min=0, max=1, help="share of the callers who do barge in where the scenario does")
    ] = None,
    hold: Annotated[float, typer.Option(min=0, help="seconds for which each caller stays at least")] = 0.0,
    answer_timeout: Annotated[float, typer.Option(min=0.5, help="without an answer for so long they go on, s")] = 6.0,
    first_number: Annotated[int, typer.Option(min=0, help="the first caller's number ends in this")] = 0,
    public_url: Annotated[str, typer.Option(help="address as the server signs it, if not the webhook's own")] = "",
    auth_token: AuthToken = "",
    pid: Annotated[
        list[int] | None, typer.Option(help="server process to watch, with its children; repeatable")
    ] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="all figures into this file")] = None,
    report: Annotated[Path | None, typer.Option(help="a page with plots into this file")] = None,
    anyway: Annotated[bool, typer.Option(help="report even where the generator itself was the limit")] = False,
) -> None:
    """Many simulated callers at once, and what they got: latency, gaps, failed calls, the server's cost.

    Exit status 1: calls failed; 2: nothing could be measured; 3: the generator itself was too slow to tell.
    """
    from holdfast_cli.load import command  # noqa: PLC0415 - keeps `--help` quick

    options = command.LoadOptions(
        target=target,
        home=home,
        name=name,
        calls=calls,
        stagger_s=stagger,
        scenario=scenario,
        turns=turns,
        snr_db=noise,
        barge_in_share=barge_in,
        min_s=hold,
        answer_s=answer_timeout,
        first_number=first_number,
        auth_token=auth_token,
        public_url=public_url,
        pids=tuple(pid or ()),
        json_path=json_path,
        report_path=report,
        anyway=anyway,
    )
    raise typer.Exit(command.load(options))


@app.command()
def demo(
    *,
    voice: Annotated[str, typer.Option(help="the caller's voice: slt, rms or awb", envvar="VOICE")] = "slt",
    kill: Annotated[str, typer.Option(help="what is killed meanwhile: asr, all or none", envvar="KILL")] = "asr",
    home: Home = Path("var/demo"),
    profile: ProfileFolder = Path("profiles/trial_success"),
    folder: Annotated[Path, typer.Option(help="folder of the demo's script and recordings")] = Path("demo"),
    model: Annotated[str, typer.Option(help="a stand-in language model: well-behaved, hostile; empty: none")] = "",
) -> None:
    """One real call: questions, a booking, and a service killed meanwhile."""
    from holdfast_cli.demo import command  # noqa: PLC0415 - keeps `--help` quick

    if voice not in command.CALLERS:
        raise typer.BadParameter(f"{voice!r} is none of {', '.join(command.CALLERS)}", param_hint="--voice")
    if kill not in ("asr", "all", "none"):
        raise typer.BadParameter(f"{kill!r} is none of asr, all, none", param_hint="--kill")
    options = command.DemoOptions(voice=voice, kill=kill, home=home, profile=profile, folder=folder, model=model)
    raise typer.Exit(command.demo(options))


@app.command(name="stand-in")
def stand_in(
    name: Annotated[str, typer.Argument(help="calendar, elevenlabs, twilio or unleash")],
    *,
    port: Annotated[int, typer.Option(help="port to listen on; 0: any free one")] = 0,
    fault: Annotated[str, typer.Option(help="none, error, hang, late, limit, rubbish, slow, cut, quota ...")] = "none",
    delay_s: Annotated[float, typer.Option(help="of slow and late, seconds")] = 1.0,
) -> None:
    """Stand in for a service outside, with faults on demand."""
    from holdfast_cli.stand_ins import command  # noqa: PLC0415 - keeps `--help` quick
    from holdfast_cli.stand_ins.faults import Fault  # noqa: PLC0415

    if name not in command.KINDS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(command.KINDS)}", param_hint="NAME")
    if fault not in list(Fault):
        raise typer.BadParameter(f"{fault!r} is none of {', '.join(Fault)}", param_hint="--fault")
    raise typer.Exit(command.stand_in(name, port, Fault(fault), delay_s))


@app.command()
def model(
    *,
    behaviour: Annotated[str, typer.Option(help="well-behaved, hostile or rubbish")] = "well-behaved",
    fault: Annotated[str, typer.Option(help="none, 429, quota, 500, 401, hang, mid_error ...")] = "none",
    times: Annotated[int, typer.Option(help="requests that the fault hits; -1: all")] = -1,
    first_token_ms: Annotated[float, typer.Option(help="delay before the first token")] = 200.0,
    token_ms: Annotated[float, typer.Option(help="delay between tokens")] = 20.0,
    retry_after_s: Annotated[float, typer.Option(help="what a 429 asks for")] = 5.0,
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0: any free one")] = 0,
) -> None:
    """A language model to try things out with: an OpenAI-compatible endpoint, faults on demand."""
    from holdfast_cli.model_server import command, server  # noqa: PLC0415 - keeps `--help` quick

    try:
        knobs = server.checked(behaviour, fault)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    knobs.times, knobs.retry_after_s = times, retry_after_s
    knobs.first_token_ms, knobs.token_ms = first_token_ms, token_ms
    raise typer.Exit(command.run(knobs, port))


@app.command()
def doctor(*, profile: ProfileFolder = Path("profiles/trial_success"), home: Home = Path("var")) -> None:
    """What is installed, which engines will be used and why, what is missing for the better ones."""
    from holdfast_cli import doctor as command  # noqa: PLC0415 - keeps `--help` quick

    raise typer.Exit(command.doctor(profile, home))


profile_app = typer.Typer(name="profile", help="Work on an agent profile.", no_args_is_help=True)
app.add_typer(profile_app)


@profile_app.callback()
def profile_group() -> None:
    """Work on an agent profile."""


@profile_app.command("check")
def profile_check(
    folder: Annotated[Path, typer.Argument(help="folder of the profile")] = Path("profiles/trial_success"),
) -> None:
    """Lint a profile: articles hard to find or to speak, wordings and pronunciations that are missing.

    Exit status 1: errors; hints alone leave it 0.
    """
    from holdfast_cli import profile_check as command  # noqa: PLC0415 - keeps `--help` quick

    raise typer.Exit(command.check(folder))


if __name__ == "__main__":
    app()

"""The `holdfast eval` command group. Each subcommand imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="eval",
    help="Score hearing, knowledge and whole calls on labelled sets.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def group() -> None:
    """Score hearing, knowledge and whole calls on labelled sets."""


@app.command()
def scenarios(
    where: Annotated[Path, typer.Argument(help="folder of scenarios, or one file")] = Path("tests/scenarios"),
    *,
    profile: Annotated[Path, typer.Option(help="folder of the agent profile", envvar="HOLDFAST_PROFILE")] = Path(
        "profiles/trial_success"
    ),
    json: Annotated[bool, typer.Option("--json", help="everything as JSON on standard output")] = False,
    generated: Annotated[int, typer.Option("--variants", help="play so many generated scenarios instead")] = 0,
    seed: Annotated[int, typer.Option(help="of the generated scenarios")] = 7,
    out: Annotated[Path | None, typer.Option(help="write the JSON here too")] = None,
    model: Annotated[
        str,
        typer.Option(
            help="well-behaved, hostile or rubbish (a stand-in), or URL#name of an endpoint; empty: rules only"
        ),
    ] = "",
    voice: Annotated[bool, typer.Option("--voice", help="spoken and heard by the embedded engines")] = False,
) -> None:
    """Whole calls in text through the real dialogue and tools; each expectation judged."""
    if voice:
        from holdfast_cli.eval import spoken_scenarios  # noqa: PLC0415 - keeps `--help` quick

        cache = Path("var/eval/asr").absolute()
        raise typer.Exit(spoken_scenarios.evaluate(where, profile, cache, as_json=json, out=out))
    from holdfast_cli.eval import scenarios as command  # noqa: PLC0415 - keeps `--help` quick

    options = command.Options(as_json=json, out=out, model=model, generated=generated, seed=seed)
    raise typer.Exit(command.evaluate(where, profile, options))


@app.command()
def turns(
    *,
    speech: Annotated[Path, typer.Option(help="index of the recordings that the set is made of")] = Path(
        "bench/turns/speech.jsonl"
    ),
    profile: Annotated[Path, typer.Option(help="folder of the agent profile", envvar="HOLDFAST_PROFILE")] = Path(
        "profiles/trial_success"
    ),
    set_folder: Annotated[Path | None, typer.Option("--set", help="folder of a set made elsewhere")] = None,
    split: Annotated[str, typer.Option(help="report: speakers nothing was tuned on; tune: the others")] = "report",
    scale: Annotated[float, typer.Option(min=0.02, max=10, help="1: 480 scenes")] = 1.0,
    table: Annotated[
        bool, typer.Option("--table", help="without the language model: the gateway's table says how final words sound")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Callers cut off, answers late, barge-ins missed: a labelled set at 8 kHz through the gateway's own ear."""
    from holdfast_cli.eval import turns as command  # noqa: PLC0415 - keeps `--help` quick

    if split not in command.SPLITS:
        raise typer.BadParameter(f"{split!r} is none of {', '.join(command.SPLITS)}", param_hint="--split")
    models = None if table else Path("var/eval/asr").absolute()
    options = command.TurnsOptions(speech, profile, split, set_folder, scale, models, as_json)
    raise typer.Exit(command.turns(options))


@app.command()
def knowledge(
    questions: Annotated[Path, typer.Argument(help="one JSON object a line: text, article (or null), ...")],
    *,
    profile: Annotated[Path, typer.Option(help="folder of the agent profile", envvar="HOLDFAST_PROFILE")] = Path(
        "profiles/trial_success"
    ),
    state: Annotated[Path, typer.Option(help="folder where what was learnt is kept")] = Path("var/knowledge"),
    words: Annotated[bool, typer.Option("--words", help="without the embedding model")] = False,
    json: Annotated[bool, typer.Option("--json", help="everything as JSON on standard output")] = False,
    out: Annotated[Path | None, typer.Option(help="write the JSON here too")] = None,
) -> None:
    """The knowledge search on questions with known articles: top-1, top-3, the three outcomes."""
    from holdfast_cli.eval import knowledge as command  # noqa: PLC0415 - keeps `--help` quick

    raise typer.Exit(command.evaluate(questions, profile, state, by_words=words, as_json=json, out=out))

"""The `holdfast eval` command group. Each subcommand imports what it needs when it runs."""

from __future__ import annotations

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

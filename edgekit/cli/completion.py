"""`edgekit completion`: print the script with which a shell completes commands, options, device ids and model files.

The scripts ask `edgekit` itself, by click's protocol: click answers if the variable `_EDGEKIT_COMPLETE` is set. They
are edgekit's own, since click's cannot filter file names by kind; the offers come from `completers.py` and the options.
"""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output

SHELLS = {
    "bash": 'eval "$(edgekit completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(edgekit completion zsh)"   in ~/.zshrc, after compinit',
    "fish": "edgekit completion fish | source   in ~/.config/fish/config.fish",
}
FOLDER = Path(__file__).with_name("shells")
PLACES = "\b\nPut it where your shell begins:\n" + "\n".join(f"  {line}" for line in SHELLS.values())


@click.command("completion", short_help="Print the script that completes commands in a shell.", epilog=PLACES)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@options.common
def command(shell: str, as_json: bool) -> None:
    """Print the script that completes commands in a shell.

    It completes commands, options, device ids, and the model files that a command takes.
    """
    script = (FOLDER / f"edgekit.{shell}").read_text(encoding="utf-8")
    if as_json:
        output.print_json({"shell": shell, "script": script})
    else:
        click.echo(script, nl=False)

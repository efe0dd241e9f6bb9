"""The command `edgekit`: the list of commands, and how an error becomes a message and an exit code.

It loads a command's file when that command is called, so that `--help` loads only click. It must not
import anything heavier at module level, nor know what a command does.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from edgekit.errors import EdgekitError, InterruptedBuild, did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# The help line of each command is repeated here so that listing them imports none; a test compares it with the command's.
COMMANDS = {
    "init": "Write an edgekit.toml for what is in a folder.",
    "devices": "List the devices, or show one with the source of every number.",
    "inspect": "Show where a model's bytes, memory and work are.",
    "plan": "Show what would be tried for a device, and why not the rest.",
    "build": "Make a .tflite that provably fits a device.",
    "check": "Judge any .tflite file for a device.",
    "bench": "Measure a .tflite file on a device, by ssh or adb.",
    "report": "Show an earlier result, or write it as an HTML page.",
    "diet": "Take out of a .tflite file what no runtime needs.",
    "compare": "Hold two reports or .tflite files against each other.",
    "doctor": "Show what this installation can do, and what is missing.",
    "completion": "Print the script that completes commands in a shell.",
}
EXIT_CODES = """\b
Exit codes:
  0    every required check passed (plan: something may fit)
  1    a required check failed (plan: nothing can fit)
  2    bad input or usage
  3    something needed is not installed
  4    the device cannot be reached
  130  interrupted
"""
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141  # as a shell reports SIGPIPE: not one of the documented codes, since the verdict was not read
EXIT_FAULT = (
    70  # EX_SOFTWARE of sysexits.h: not one of the documented codes, so that a bug is never taken for a verdict
)
_PLACE_IS_BAD = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


class LazyGroup(click.Group):
    """A group whose commands are the functions `command` in `edgekit.cli.NAME`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"edgekit.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS and not ctx.resilient_parsing:
            near = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"no command {args[0]!r}" + (f"; did you mean {near!r}?" if near else ""))
        empty = _without_value(args)
        if empty is not None and not ctx.resilient_parsing:
            ctx.fail(f"{empty} is empty; no value of edgekit is: see whether a variable of the shell is unset")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin with `incomplete`, with their help line, and the group's options; imports no command."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an exception becomes a message on stderr and the documented exit code."""
        for name in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(
                ValueError
            ):  # only the main thread may set handlers; in another thread, those of the caller stay
                signal.signal(name, signal.default_int_handler)
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: write nothing more
            ctx.exit(EXIT_BROKEN_PIPE)
        except BaseException as problem:
            ctx.exit(_explain(problem, debug=bool(ctx.meta.get("edgekit.debug"))))


def _without_value(args: list[str]) -> str | None:
    """The option with an empty value, or 'an argument'; None if there is none. As a path it would be the working folder."""
    for before, one in zip(["", *args], args, strict=False):
        if not one:
            return before if before.startswith("-") else "an argument"
        if one.startswith("--") and one.endswith("="):
            return one[:-1]
    return None


def _explain(problem: BaseException, *, debug: bool) -> int:
    """Print on stderr what went wrong; returns the exit code."""
    if debug:
        traceback.print_exception(problem)
    if isinstance(problem, KeyboardInterrupt | InterruptedBuild):
        from edgekit.interrupts import interrupt_is_handled

        interrupt_is_handled()
    if isinstance(problem, EdgekitError):
        click.echo(f"error: {problem}", err=True)
        return problem.exit_code
    if isinstance(problem, KeyboardInterrupt | click.Abort):
        click.echo("interrupted: what was finished is kept, and the same command goes on from there", err=True)
        return EXIT_INTERRUPTED
    if isinstance(problem, OSError) and problem.errno in _PLACE_IS_BAD:
        where = f"\n  where: {problem.filename}" if problem.filename else ""
        click.echo(f"error: {problem.strerror}{where}", err=True)
        return 2
    if isinstance(problem, UnicodeEncodeError) and problem.reason == "surrogates not allowed":
        click.echo("error: the name of a file or folder is not UTF-8, and a worker cannot be told it", err=True)
        click.echo(f"  received: {problem.object[:200]!r}\n  next: rename it, or work in another folder", err=True)
        return 2
    if isinstance(problem, Exception):
        click.echo(f"error: edgekit itself failed: {type(problem).__name__}: {problem}", err=True)
        click.echo("  next: this is a fault of edgekit; run it with --debug and report what it says", err=True)
        return EXIT_FAULT
    raise problem


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from edgekit.version import __version__

        click.echo(f"edgekit {__version__} (Python {sys.version_info.major}.{sys.version_info.minor})")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def main() -> None:
    """A trained model and a device in, a .tflite that provably fits out.

    Start with `edgekit init`, or with `edgekit devices`; `edgekit COMMAND --help` explains a command.
    """

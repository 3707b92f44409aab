"""A group of commands whose help says in full what each is for."""

from typing import Any

import click


class Commands(click.Group):
    """Lists its commands by the first sentence of their help, whole, where Click would cut it off."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        shown = [(name, self.get_command(ctx, name)) for name in names]
        rows = [(name, _purpose(command)) for name, command in shown if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _purpose(command: Any) -> str:
    """The first paragraph of its help, on one line."""
    return " ".join((command.help or "").split("\n\n")[0].split())

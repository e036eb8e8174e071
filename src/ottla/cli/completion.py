"""``ottla completion SHELL``: the script that makes a shell complete ottla's commands, options, topics and groups."""

import click

from .tree import HELP

SHELLS = ("bash", "zsh", "fish")


@click.command(context_settings=HELP)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    Commands, options and files are completed, and the names of topics and groups that the cluster has.

    \b
    Examples:
      ottla completion bash > ~/.local/share/bash-completion/completions/ottla
      ottla completion zsh > "${fpath[1]}/_ottla"
      ottla completion fish > ~/.config/fish/completions/ottla.fish
    """
    from click.shell_completion import get_completion_class

    from .main import COMPLETE_VARIABLE, cli

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(cli, {}, "ottla", COMPLETE_VARIABLE)
    # Not script.source(): for bash it starts a bash to ask for its version.
    click.echo(script.source_template % script.source_vars())

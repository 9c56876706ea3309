"""The command `serve`."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from harness.cli.settings import chosen, of_a_fake
from harness.cli.shared import FILE, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.serving import Server

# How often a wait looks around: Windows shows no signal to a program that waits without end.
LOOK_AROUND = 0.5
SET = '$env:{name}="{value}"' if sys.platform == "win32" else "export {name}={value}"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; by default one that is free.")
@click.option("--scenario", type=FILE, metavar="FILE", help="What every world begins with, as YAML or JSON.")
@click.option(
    "--time",
    type=click.Choice(["virtual", "real"]),
    default="virtual",
    show_default=True,
    help="Virtual, nobody waits; real, runs and streams take as long as they say, and the clock is timed.",
)
@click.option(
    "--spare-waiting/--no-spare-waiting",
    default=False,
    help="Tell clients by headers not to wait between polls and before they try again. The real service did not.",
)
@click.option("--execute", is_flag=True, help="Execute the cells of scripts that come over the network.")
@click.option(
    "--token",
    envvar="HARNESS_TOKEN",
    show_envvar=True,
    help="What the control API asks for. One is made if others than this machine can reach the server.",
)
@click.option(
    "--state",
    type=OUTPUT,
    metavar="FILE",
    help="Keep what comes in, so that a server with this file goes on where the last one ended or was killed. It grows "
    "with every request; delete it to begin anew.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell programs where the server is: one line of JSON.")
@of_a_fake
def serve(host: str, port: int, as_json: bool, **given: Any) -> None:
    """Serve a fake Assistants API to programs in any language, until Ctrl+C.

    Every API key is a world of its own, with its objects, its clock and its scripts. What is not scripted is answered
    by a placeholder: this is no model. A page shows what happens; /_harness/ has an API to script and look at it.

    \b
        harness serve --port 8000 --scenario weather.yaml
    """
    from harness.loopback import is_loopback
    from harness.serving import serve as served

    options, how = chosen(given, command="harness serve")
    with _until_told() as told, served(options, host=host, port=port, **how) as server:
        if not is_loopback(host):
            _warn(host, server)
        click.echo(json.dumps(_data(server)) if as_json else _greeting(server))
        while not told.wait(LOOK_AROUND):
            pass
        if not as_json:
            click.echo("\nStopping.")


def _data(server: Server) -> dict[str, Any]:
    return {
        "url": server.url,
        "base_url": server.base_url,
        "inspector": server.inspector,
        "token": server.worlds.token,
        "environment": server.environment,
    }


def _greeting(server: Server) -> str:
    variables = [
        (name.startswith("AZURE") or name == "OPENAI_API_VERSION", SET.format(name=name, value=value))
        for name, value in server.environment.items()
    ]
    only_key = server.worlds.options.api_key is not None
    return "\n".join(
        [
            f"A fake OpenAI Assistants API is at {server.url}",
            "It follows scripts: it is no model, and asks nobody else. Programs find it by these variables:",
            "",
            *(f"    {line}" for is_azure, line in variables if not is_azure),
            "",
            "Clients of Azure:",
            "",
            *(f"    {line}" for is_azure, line in variables if is_azure),
            "",
            "No other key is accepted." if only_key else "Any other key will do as well, and is a world of its own.",
            "What happens is shown here:",
            "",
            f"    {server.inspector}",
            "",
            "Ctrl+C ends it.",
        ]
    )


def _warn(host: str, server: Server) -> None:
    told = f"Warning: whoever reaches {host} reaches this fake, and nothing on the way is encrypted."
    click.echo(f"{told} Its control API asks for this token: {server.worlds.token}", err=True)


@contextmanager
def _until_told() -> Iterator[Event]:
    """An event that the first SIGINT or SIGTERM sets; the second one does what it always does."""
    told = Event()
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        while before:
            signal.signal(*before.popitem())

    def tell(*_: object) -> None:
        restore()
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, tell)
    try:
        yield told
    finally:
        restore()

"""Options mean the same in every command, and help says what they are."""

import inspect

import pytest
import typer

import tconv
from tconv.cli import options as o
from tconv.cli.app import COMMANDS, parser, run
from tconv.explanation.export import WRITERS


def parameters(name):
    return typer.main.get_command(parser(name)).params


def options():
    """Yield (command, parameter, names) of every option."""
    for name in COMMANDS:
        for parameter in parameters(name):
            if parameter.param_type_name == "option":
                yield name, parameter, parameter.opts


def test_a_short_option_has_one_meaning():
    meanings = {}
    for command, _, names in options():
        short = {name for name in names if not name.startswith("--")}
        for one in short:
            meanings.setdefault(one, {})[command] = frozenset(names) - short
    assert {one: len(set(by.values())) for one, by in meanings.items()} == dict.fromkeys(
        meanings, 1
    )
    assert set(meanings) == {"-i", "-k", "-s", "-p", "-d", "-o", "-O"}
    assert set(meanings["-o"].values()) == {frozenset({"--output"})}
    assert set(meanings["-O"]) >= {"explain", "explore", "solve"}


def test_every_option_has_help():
    assert [names for _, parameter, names in options() if not parameter.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_commands_say(name):
    callback = typer.main.get_command(parser(name)).callback
    assert inspect.getdoc(callback).partition("\n")[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("asked", [("{}", "--help"), ("{}", "-h"), ("help", "{}"), ("-h", "{}")])
def test_help_is_plain_text(name, asked, capsys):
    assert run([one.format(name) for one in asked]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: tconv {name} [OPTIONS]")
    assert max(map(len, said.splitlines())) <= 80
    assert not any(markup in said for markup in ("[/", "[b]", "[dim]", "╭"))


def test_what_options_list_is_there():
    assert ", ".join(tconv.VIEWS) == o.VIEWS
    assert ", ".join(WRITERS) == o.SUFFIXES


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"padding": "same"}, {"padding": "same"}),
        ({"padding": "1:0"}, {"padding": ((1, 0),)}),
        ({"padding": "1:0", "stride": "2x3"}, {"padding": ((1, 0), (1, 0)), "stride": (2, 3)}),
        ({"padding": "1:0x2", "kernel_size": "3"}, {"padding": ((1, 0), 2), "kernel_size": 3}),
        ({"padding": "-1:2", "stride": None}, {"padding": ((-1, 2),)}),
        ({"output_size": "8×9", "padding": "1"}, {"output_size": (8, 9), "padding": 1}),
    ],
)
def test_the_shape_of_a_layer_is_read_in_one_way(texts, expected):
    assert o.layer(**texts) == expected


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"padding": "1,0"}, "--padding: '1,0' is not an integer; write 1, 0:1 for before:after"),
        ({"kernel_size": "3,5"}, "--kernel: '3,5' is not an integer; write 3, or 3x5"),
        ({"output_size": "x"}, "--output-size: '' is not an integer"),
    ],
)
def test_what_is_no_shape(texts, message):
    with pytest.raises(ValueError, match=message):
        o.layer(**texts)

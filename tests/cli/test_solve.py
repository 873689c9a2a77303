import json

import pytest

import tconv
from tconv.cli.app import run


def rows(said):
    """Return the lines of a table, without its headings."""
    lines = said.splitlines()
    rule = next(number for number, line in enumerate(lines) if set(line.strip()) == {"─"})
    end = lines.index("", rule) if "" in lines[rule:] else len(lines)
    return [line.split() for line in lines[rule + 1 : end] if line.strip()]


def test_the_least_surprising_first(tconv_says) -> None:
    said = tconv_says("solve", "-i", 4, "-O", 8, "--limit", 2)
    assert said.splitlines()[0].strip() == "input size 4, output size 8"
    assert [row for row in rows(said) if row[0].isdigit()] == [
        [k, "2", p, "0", "none"] for k, p in (("4", "1"), ("2", "0"))
    ]
    assert "the best 2 are listed" in said


def test_blemishes_are_told(tconv_says) -> None:
    said = tconv_says("solve", "-i", 44, "-O", 89, "-k", 2, "-s", 2, "-d", 1, "-p", 0)
    assert "leaves output 88 without input; output_padding is 1" in said
    assert "nothing: all was given" not in said
    assert "searched: any output_padding" in said


def test_sizes_that_are_open_and_dilations_have_columns(tconv_says) -> None:
    said = tconv_says("solve", "-O", 16, "-k", 3, "-s", 1, "-d", 2, "-p", 2)
    assert "output size 16, " not in said
    assert rows(said)[0] == ["16", "3", "1", "2", "0", "2", "dilation", "is", "2"]
    said = tconv_says("solve", "-O", 16)
    assert rows(said)[0][:4] == ["8", "4", "2", "1"]


@pytest.mark.parametrize(
    ("padding", "kernel", "given"),
    [("same", 3, "same"), ("0:8", 16, [(0, 8)]), ("half", 3, "half"), ("1", 3, 1)],
)
def test_padding_is_spelled_as_explain_spells_it(padding, kernel, given, tconv_says) -> None:
    sizes = ("-i", 5, "-O", 40 if padding == "0:8" else 10)
    told = json.loads(tconv_says("solve", *sizes, "-k", kernel, "-p", padding, "--json"))
    found = tconv.solve(sizes[1], sizes[3], kernel, padding=given, limit=20)
    assert len(told["solutions"]) == len(found) > 0
    first = told["solutions"][0]["padding"][0]
    assert (tuple(first) if isinstance(first, list) else first) == found[0].padding[0]


def test_json_lists_them(tconv_says) -> None:
    told = json.loads(tconv_says("solve", "-i", "4x6", "-O", "8x13", "-k", 4, "--json"))
    found = tconv.solve((4, 6), (8, 13), 4, limit=20)
    assert [row["padding"] for row in told["solutions"]] == [
        [list(pad) if isinstance(pad, tuple) else pad for pad in one.padding] for one in found
    ]
    assert told["solutions"][0]["even_overlap"] is True
    assert told["solutions"][0]["blemishes"] == [
        {"reason": "output_padding", "sentence": "axis 1: output_padding is 1"}
    ]
    assert told["searched"] == found.searched
    assert told["reason"] is told["nearest_output_sizes"] is told["convolution"] is None


def test_everything_is_searched_with_all(tconv_says) -> None:
    few = json.loads(tconv_says("solve", "-i", 4, "-O", 8, "--json", "--limit", 500))
    every = json.loads(tconv_says("solve", "-i", 4, "-O", 8, "--json", "--all", "--limit", 500))
    assert 0 < len(few["solutions"]) < len(every["solutions"])


def test_chains_of_layers(tconv_says) -> None:
    said = tconv_says("solve", "-i", 1, "-O", 600, "--layers", 4, "--limit", 1)
    assert "1 → 8 → 40 → 200 → 600" in said
    assert "8, 5, 5, 3" in said
    assert "16, 10, 10, 6" in said
    told = json.loads(tconv_says("solve", "-i", 1, "-O", 256, "--layers", 4, "--json"))
    first = told["solutions"][0]
    assert first["sizes"] == [[1], [8], [64], [128], [256]]
    assert [layer["stride"] for layer in first["layers"]] == [[8], [8], [2], [2]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-i", 25, "-O", 13], "25 -> 13 is the direction of a direct convolution: input 25, "
         "kernel 3, stride 2, padding (1, 1) -> 13"),
        (["-i", 4, "-O", 12, "-k", 3, "-s", 2, "-d", 1], "nothing fits 4 -> 12 with kernel_size "
         "3, stride 2 and dilation 1; the nearest output size is 10"),
        (["-i", 25, "-O", 13, "--layers", 2], "layers enlarge, but a size shrinks"),
    ],
)  # fmt: skip
def test_nothing_fits(arguments, said, here, capsys) -> None:
    words = ["solve", *map(str, arguments)]
    assert run(words) == 1
    told = capsys.readouterr()
    assert said in " ".join(told.out.split())
    assert told.err == ""
    assert run([*words, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["solutions"] == []
    assert said in answer["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "x"], "--input: '' is not an integer"),
        (["-i", 0], "input_size must be at least 1, got 0"),
        (["-k", 3], "give input_size, output_size or both; nothing else bounds the search"),
        (["-i", 4, "-O", 8, "-p", "sam"], "did you mean 'same'?"),
        (["-i", 4, "-O", 8, "--layers", 2, "-k", 3], "--layers takes --input and --output-size"),
        (["-i", 4, "--layers", 2], "--layers takes --input and --output-size, and no other"),
        (["-i", 4, "-O", 8, "--layers", 0], "layers must be at least 1, got 0"),
        (["-i", 4, "-O", 8, "--limit", 10**6], "limit must be at most 10000, got 1000000"),
    ],
)
def test_mistakes(arguments, message, tconv_refuses) -> None:
    assert message in tconv_refuses("solve", *arguments)

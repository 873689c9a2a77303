import json

import pytest

import tconv


def test_the_least_surprising_first(tconv_says) -> None:
    said = tconv_says("solve", "-i", 4, "-O", 8, "--limit", 2)
    rows = [line.split() for line in said.splitlines() if "even" in line]
    assert rows == [["4", "8", k, "2", p, "0", "1", "even"] for k, p in (("2", "0"), ("4", "1"))]
    assert "2 shown; --limit shows more" in said


def test_json_lists_them_all(tconv_says) -> None:
    rows = json.loads(tconv_says("solve", "-i", "4x6", "-O", "8x12", "-k", 4, "--json"))
    found = tconv.solve((4, 6), (8, 12), 4)
    assert [tuple(row["padding"]) for row in rows] == [solution.padding for solution in found]
    assert rows[0]["even_overlap"] is True


def test_nothing_fits(tconv_says) -> None:
    assert "0 parameter sets" in tconv_says("solve", "-i", 4, "-O", 1000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "x"], "--input: '' is not an integer"),
        (["-i", 0], "input_size must be at least 1, got 0"),
        (["--max-kernel", 10**9], "more than 1000000 candidates; give more parameters"),
        (["-i", 4, "-s", 10**12, "-k", 3], "more than 100000 completions; give more parameters"),
    ],
)
def test_mistakes(arguments, message, tconv_refuses) -> None:
    assert message in tconv_refuses("solve", *arguments)

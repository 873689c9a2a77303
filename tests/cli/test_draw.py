"""``tconv explain --draw``: frames in the terminal, or a file."""

import json

LECTURE = (
    "explain", "-i", "2x2", "-k", 3, "-s", 2, "-p", 1, "--x", "1,2;3,4", "--weight", "ones",
    "--draw",
)  # fmt: skip


def test_frames_are_printed(tconv_says) -> None:
    said = tconv_says(*LECTURE, "scatter")
    assert said.count("step ") == 4
    assert "step 4 of 4: input (1,1) = 4 stamps the kernel" in said
    assert "(1+2+3+4)" in said
    assert said.endswith("/3   /3   /7   /4   /4\n\n/ cropped\n")


def test_one_frame_is_printed(tconv_says) -> None:
    said = tconv_says("explain", "-i", 4, "-k", 3, "-s", 2, "--draw", "gather", "--frame", 3)
    assert said.startswith("step 3 of 9: output 2, of phase 0, sums 2 products\n")
    assert "[w1·b+w3·a]" in said


def test_a_file_is_written(tconv_says, here) -> None:
    assert tconv_says(*LECTURE, "scatter", "-o", "a.svg", "--theme", "dark", "--frame", -1) == ""
    assert '<g data-cell="2,12">' in (here / "a.svg").read_text("utf-8")
    tconv_says(*LECTURE, "gather", "-o", "a.json")
    assert json.loads((here / "a.json").read_text("utf-8"))["view"] == "gather"
    tconv_says(*LECTURE, "stretch", "-o", "a.json", "--force")
    assert json.loads((here / "a.json").read_text("utf-8"))["view"] == "stretch"


def test_what_cannot_be_drawn_is_one_line(tconv_refuses, here) -> None:
    assert "is not one of scatter, gather" in tconv_refuses(*LECTURE, "scater")
    assert "does not end in one of" in tconv_refuses(*LECTURE, "scatter", "-o", "a.bmp")
    assert "frame 6 is out of range" in tconv_refuses(*LECTURE, "scatter", "--frame", 6)
    assert "theme 'grey'" in tconv_refuses(*LECTURE, "scatter", "-o", "a.png", "--theme", "grey")
    (here / "a.svg").write_text("mine", "utf-8")
    assert "exists; use --force" in tconv_refuses(*LECTURE, "scatter", "-o", "a.svg")
    layer = ("explain", "-i", 4, "-k", 3)
    assert "--output needs --draw" in tconv_refuses(*layer, "-o", "a.svg")
    assert "--frame, --theme need --draw" in tconv_refuses(*layer, "--theme", "dark", "--frame", 0)
    assert "the output size is -O 4x8" in tconv_refuses(*layer, "-o", "4x8")
    assert "give --draw or --json, not both" in tconv_refuses(*LECTURE, "scatter", "--json")
    assert "--theme is for a file" in tconv_refuses(*LECTURE, "scatter", "--theme", "dark")
    assert "--input: 'four'" in tconv_refuses("explain", "-i", "four", "-k", 3, "--draw", "scatter")
    said = tconv_refuses("explain", "-i", 4, "-k", 3, "--x", "1,2,z!", "--draw", "scatter")
    assert "x" in said

"""What the page does when it is used: every control, by pointer and by keyboard."""

import json
import re
from fractions import Fraction

import pytest

import tconv
from explanation.page.conftest import LAPTOP, PHONE, SETTLED
from tconv.explanation.page import html, iframe

CLIPBOARD = ["clipboard-read", "clipboard-write"]
LAYER = "view=scatter&i=2x2&k=3&s=2&p=0&x=1,2;3,4&w=ones"


def cells(page, stage=0):
    """What every cell of a stage says, by panel and cell."""
    return page.evaluate(
        """(stage) => Object.fromEntries(
            [...document.querySelectorAll(`#picture-${stage} [data-cell]`)].map((group) => [
                group.dataset.cell,
                [...group.querySelectorAll('text')].map((line) => line.textContent).join(' ')]))""",
        stage,
    )


def count(page):
    return page.inner_text(".count")


def lit(page, kind):
    return page.locator(f"#picture-0 .lit .{kind}").count()


def told(page):
    return page.inner_text("#told")


def result(page, panel=2):
    return {
        int(name.split(",")[1]): text
        for name, text in cells(page).items()
        if name.startswith(f"{panel},")
    }


def drawn(page):
    return page.evaluate(
        "[...document.querySelectorAll('#picture-0 text')].map((t) => t.textContent).join(' ')"
    )


def number(page, name, value):
    page.fill(f"input[name={name}]", str(value))


def until(page, expression):
    """Wait for what is true; asked from outside, since the page may not evaluate texts."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never true: {expression}")


def value(page, label):
    page.wait_for_selector(SETTLED)
    return page.input_value(f"[aria-label='{label}']")


def facts(page):
    page.wait_for_selector(SETTLED)
    return page.inner_text("#facts")


def settled_hash(page, holding):
    until(page, f"location.hash.includes({json.dumps(holding)})")
    return page.evaluate("location.hash.slice(1)")


def test_the_steps_add_up_as_python_has_them(opened):
    page = opened(f"{LAYER}&frame=0")
    trace = tconv.explain((2, 2), 3, stride=2, x=[[1, 2], [3, 4]], weight="ones")
    for frame in range(trace.frames):
        shown = result(page)
        sums, terms = trace.cells(frame)[2], trace.cells(frame, sums=False)[2]
        assert all(text in (sums[at], terms[at]) for at, text in shown.items())
        page.click("[data-go=on]")
    assert count(page) == "result"
    assert [result(page)[at] for at in range(25)] == trace.cells(-1)[2]


def test_the_timeline(opened):
    page = opened(f"{LAYER}&frame=0")
    assert count(page) == "4 steps"
    page.click("[data-go=last]")
    assert count(page) == "result"
    page.click("[data-go=back]")
    assert count(page) == "4 of 4"
    page.click("[data-go=first]")
    assert count(page) == "4 steps"
    page.locator(".track input").fill("2")
    assert count(page) == "2 of 4"
    assert page.locator(".track input").get_attribute("aria-valuetext").startswith("input (0,1)")


def test_play_goes_on_to_the_result_and_loops_where_asked(opened):
    page = opened(f"{LAYER}&frame=0")
    page.select_option(".speed select", "125")
    page.click("[data-go=play]")
    assert page.locator("[data-go=play]").get_attribute("aria-label") == "Pause"
    until(page, "document.querySelector('.count').textContent === 'result'")
    page.wait_for_selector(".timeline:not(.playing)")
    page.check(".loop input")
    page.click("[data-go=play]")
    until(page, "document.querySelector('.count').textContent === 'result'")
    until(page, "document.querySelector('.count').textContent === '1 of 4'")
    page.click("[data-go=play]")
    assert page.locator("[data-go=play]").get_attribute("aria-label") == "Play"


def test_the_keys_of_the_timeline(opened):
    page = opened(f"{LAYER}&frame=0")
    for key, says in (
        ("ArrowRight", "1 of 4"), ("ArrowRight", "2 of 4"), ("ArrowLeft", "1 of 4"),
        ("End", "result"), ("Home", "4 steps"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert count(page) == says
    page.keyboard.press("Space")
    page.wait_for_selector(".timeline.playing")
    page.keyboard.press("Space")
    page.wait_for_selector(".timeline:not(.playing)")


def test_pointing_at_a_cell_lights_all_that_makes_it(opened):
    page = opened(f"{LAYER}&frame=0")
    page.hover('#picture-0 [data-cell="2,12"]')
    assert told(page) == "output (2,2) = 1·1 + 2·1 + 3·1 + 4·1 = 10"
    assert (lit(page, "feeds"), lit(page, "fed"), lit(page, "self")) == (8, 0, 1)
    page.hover('#picture-0 [data-cell="0,1"]')
    assert told(page) == "input (0,1) = 2 goes into 9 cells"
    assert (lit(page, "feeds"), lit(page, "fed")) == (0, 9)
    page.mouse.move(5, 5)
    assert lit(page, "self") == 0


def test_a_click_pins_and_another_lets_go(opened):
    page = opened(f"{LAYER}&frame=3")
    page.click('#picture-0 [data-cell="2,0"]')
    page.hover('#picture-0 [data-cell="2,12"]')
    assert told(page).startswith("output (0,0) = ")
    page.click("[data-go=on]")
    assert told(page).startswith("output (0,0) = ")
    page.locator("#picture-0").click(position={"x": 3, "y": 3})
    page.hover('#picture-0 [data-cell="2,12"]')
    assert told(page).startswith("output (2,2) = ")


def test_cells_by_keyboard_alone(opened):
    page = opened(f"{LAYER}&frame=1")
    while not page.evaluate("document.activeElement.id === 'picture-0'"):
        page.keyboard.press("Tab")
    assert told(page).startswith("input (0,0)")
    page.keyboard.press("ArrowRight")
    assert told(page).startswith("input (0,1)")
    page.keyboard.press("ArrowRight")
    assert told(page).startswith("kernel ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.keyboard.press("7")
    page.keyboard.press("Enter")
    assert cells(page)["0,0"] == "7" or cells(page)["0,1"] == "7"
    page.keyboard.press("Escape")
    assert lit(page, "self") == 0


def test_a_value_is_typed_into_its_cell(opened):
    page = opened(f"{LAYER}&frame=5")
    cell = page.locator('#picture-0 [data-cell="0,3"]')
    cell.click()
    cell.click()
    page.locator(".cell-value").fill("-1/2")
    page.keyboard.press("Enter")
    page.click("[data-go=last]")
    assert cells(page)["0,3"] == "-1/2"
    assert result(page)[12] == "11/2"
    assert value(page, "Input values") == "1,2;3,-1/2"


def test_values_are_typed_as_rows_and_the_size_follows(opened):
    page = opened(f"{LAYER}&frame=0")
    page.fill("[aria-label='Kernel values']", "1, 10; 100, 1000")
    page.keyboard.press("Enter")
    assert page.input_value("input[name=kernelSize0]") == "2"
    page.click("[data-go=last]")
    assert [result(page)[at] for at in range(8)] == [
        "1",
        "10",
        "2",
        "20",
        "100",
        "1000",
        "200",
        "2000",
    ]


@pytest.mark.parametrize("word", ["letters", "numbers", "ones"])
def test_words_fill_the_input(opened, word):
    page = opened(f"{LAYER}&frame=0")
    page.select_option("[aria-label='Input values, filled with']", word)
    panel = tconv.explain((2, 2), 3, x=word).cells(0)[0]
    assert [cells(page)[f"0,{at}"] for at in range(4)] == panel


def test_random_values_are_numbers_that_the_link_holds(opened):
    page = opened(f"{LAYER}&frame=0")
    page.select_option("[aria-label='Kernel values, filled with']", "random")
    text = value(page, "Kernel values")
    assert re.fullmatch(r"(-?\d+,){2}-?\d+(;(-?\d+,){2}-?\d+){2}", text)
    settled_hash(page, f"w={text}")


def test_what_is_no_value_is_refused_in_a_sentence(opened):
    page = opened(f"{LAYER}&frame=0")
    page.fill("[aria-label='Input values']", "1,2;3,?")
    page.keyboard.press("Enter")
    assert page.inner_text("#message")
    assert page.get_attribute("[aria-label='Input values']", "aria-invalid") == "true"
    assert cells(page)["0,3"] == "4"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("inputSize0", 3, {"input_size": (3, 3)}),
        ("kernelSize0", 2, {"kernel_size": 2}),
        ("stride0", 3, {"stride": 3}),
        ("before0", 1, {"padding": 1}),
        ("outputPadding0", 1, {"output_padding": 1}),
        ("dilation0", 2, {"dilation": 2}),
    ],
)
def test_each_number_and_its_slider(opened, name, value, words):
    page = opened("view=scatter&i=2x2&k=3&s=2&frame=9")
    usual = {"input_size": (2, 2), "kernel_size": 3, "stride": 2}
    trace = tconv.explain(**{**usual, **words})
    number(page, name, value)
    page.click("[data-go=last]")
    shown = trace.cells(-1)[2]
    held = {at: shown[at] for at, kind in enumerate(trace.panels[2].kinds) if kind != "void"}
    assert result(page) == held
    slider = page.locator(f".number:has(input[name={name}]) input[type=range]")
    assert slider.input_value() == str(value)
    slider.focus()
    slider.press("ArrowLeft")
    assert page.input_value(f"input[name={name}]") == str(value - 1)


def test_axes_come_apart_and_together(opened):
    page = opened("view=scatter&i=2x2&k=3&s=2&p=1&frame=0")
    assert page.locator("input[name=after0]").count() == 0
    page.click("text=Linked")
    number(page, "inputSize1", 4)
    number(page, "after0", 0)
    link = settled_hash(page, "i=2x4")
    assert tuple(map(int, re.search(r"i=(\d+)x(\d+)", link).groups())) == (2, 4)
    geometry = tconv.Geometry.of((2, 4), 3, 2, ((1, 0), (1, 1)))
    assert f"output {'×'.join(map(str, geometry.output_size))}" in drawn(page)
    page.click("text=Linked")
    assert page.locator("input[name=inputSize1]").count() == 0
    settled_hash(page, "i=2x2")


def test_one_axis_and_two(opened):
    page = opened(f"{LAYER}&frame=0")
    page.click("text=1-D")
    settled_hash(page, "i=2&")
    assert value(page, "Kernel values") == "1,1,1"
    page.click("text=2-D")
    settled_hash(page, "i=2x2&")


def test_what_is_out_of_range_says_why_and_the_picture_stays(opened):
    page = opened(f"{LAYER}&frame=0")
    before = cells(page)
    number(page, "before0", 9)
    with pytest.raises(ValueError) as why:  # noqa: PT011
        tconv.Geometry.of((2, 2), 3, 2, 9)
    assert page.inner_text("#message") == str(why.value)
    assert page.get_attribute("input[name=before0]", "aria-invalid") == "true"
    assert cells(page) == before
    number(page, "before0", 1)
    assert page.locator("#message").is_hidden()
    assert page.get_attribute("input[name=before0]", "aria-invalid") == "false"


def test_too_much_to_follow_says_so(opened):
    page = opened(f"{LAYER}&frame=0")
    number(page, "inputSize0", 90)
    assert "followed by eye" in page.inner_text("#message")


@pytest.mark.parametrize("view", tconv.VIEWS)
def test_every_view_keeps_the_cell(opened, view):
    page = opened("view=scatter&i=3x2&k=2x3&s=2x1&p=1&frame=4")
    page.click(f".stage:first-child [data-view={view}]")
    assert page.inner_text(".stage:first-child [aria-selected=true]") == view
    assert page.locator("#picture-0 [data-cell]").count() > 10
    trace = tconv.explain((3, 2), (2, 3), (2, 1), 1, view=view)
    assert page.get_attribute("#picture-0", "aria-label").startswith(trace.title)


def test_switching_the_view_stays_at_the_cell(opened):
    page = opened("view=gather&i=3x3&k=3&s=2&frame=9")
    live = page.inner_text("#live")
    page.click(".stage:first-child [data-view=stretch]")
    cell = re.match(r"Output (\(\d+,\d+\))", live)[1]
    assert cell in page.inner_text("#live")


def test_tabs_by_keyboard(opened):
    page = opened(f"{LAYER}&frame=0")
    page.focus(".stage:first-child [aria-selected=true]")
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".stage:first-child [aria-selected=true]") == "gather"
    assert page.evaluate("document.activeElement.dataset.view") == "gather"


def test_two_views_side_by_side_go_together(opened):
    page = opened(f"{LAYER}&frame=2")
    page.click("#beside")
    assert page.locator("#picture-1 svg").is_visible()
    page.click(".stage:last-child [data-view=stretch]")
    page.click("[data-go=last]")
    one, other = cells(page), cells(page, 1)
    assert [one[f"2,{at}"] for at in range(25)] == [other[f"3,{at}"] for at in range(25)]
    settled_hash(page, "beside=stretch")
    page.click("#beside")
    assert page.locator("#picture-1").is_hidden()


def test_presets_all_open(opened):
    page = opened()
    names = page.locator("#preset option").all_inner_texts()
    assert len(names) > 50
    complaints = page.evaluate(
        """() => { const select = document.getElementById('preset');
            return [...select.options].filter(({value}) => value).map(({value}) => {
                select.value = value;
                select.dispatchEvent(new Event('change'));
                return document.getElementById('message').textContent; }); }"""
    )
    assert set(complaints) == {""}
    page.select_option("#preset", label="2×2 and ones, stride 2, padding 1")
    page.click("[data-go=last]")
    trace = tconv.explain((2, 2), 3, 2, 1, x=[[1, 2], [3, 4]], weight="ones")
    assert [result(page)[at] for at in range(25)] == trace.cells(-1)[2]


def test_the_facts(opened):
    page = opened("view=scatter&i=4x4&k=4&s=2&p=1&frame=0")
    geometry = tconv.Geometry.of((4, 4), 4, 2, 1)
    said = facts(page)
    assert "(4−1)·2 + 4 − 1 − 1 = 8" in said
    assert "even: 4 taps in every phase" in said
    assert f"{geometry.products} useful; with zeros put in {geometry.stretched_products:,}" in said
    assert "a checkerboard" in said
    page.select_option("[aria-label='Kernel values, filled with']", "ones")
    until(page, "document.querySelector('#facts').textContent.includes('level')")
    number(page, "kernelSize0", 3)
    until(page, "document.querySelector('#facts').textContent.includes('uneven')")
    assert "gains 0.44 to 1.78 of the mean" in facts(page)


def test_the_facts_name_holes_and_inputs_that_nothing_reads(opened):
    page = opened("view=scatter&i=3&k=2&s=2&p=0:-1&frame=0")
    assert "output 6 is reached by no input" in facts(page)
    assert page.locator("#facts .even").count() == 0
    assert "THROWN AWAY" not in facts(page).upper()
    page = opened("view=scatter&i=7&k=3&s=3&p=3&frame=0")
    assert "Inputs 0 and 6 are read by no output" in facts(page)
    assert page.locator("#facts .even").count() == 1


def test_a_flat_grey_shows_the_checkerboard(opened):
    page = opened("view=overlap&i=4x4&k=3&s=2&w=ones&frame=0")
    greys = """() => { const canvas = document.querySelector('.pictures canvas');
        const {data} = canvas.getContext('2d').getImageData(10, 10, 12, 12);
        return [...new Set(data.filter((_, at) => at % 4 === 0))].sort((a, b) => a - b); }"""
    page.wait_for_timeout(100)
    one, two, four = page.evaluate(greys)
    assert two == pytest.approx(2 * one, abs=1)
    assert four == pytest.approx(min(4 * one, 255), abs=2)
    number(page, "kernelSize0", 4)
    until(page, f"({greys})().length === 1")


@pytest.mark.parametrize("name", ["pytorch", "keras", "jax", "onnx", "tconv"])
def test_code_is_copied(opened, name):
    page = opened("view=scatter&i=4x4&k=4&s=2&p=1&frame=0", permissions=CLIPBOARD)
    page.select_option("[aria-label=Framework]", name)
    code = page.inner_text(".code pre")
    page.click(".code button")
    page.wait_for_selector(".code button:has-text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == code
    if name == "pytorch":
        assert "kernel_size=4, stride=2, padding=1" in code


def test_a_link_brings_everything_back(opened):
    page = opened()
    page.select_option("#preset", label="The convolution matrix, 4×16")
    page.click("[data-go=on]")
    page.click("#beside")
    link = settled_hash(page, "beside=")
    page.wait_for_timeout(400)
    link = page.evaluate("location.hash.slice(1)")
    again = opened(link)
    assert cells(again) == cells(page)
    assert cells(again, 1) == cells(page, 1)
    assert count(again) == count(page)
    again.wait_for_timeout(400)
    assert again.evaluate("location.hash.slice(1)") == link


def test_the_link_is_copied(opened):
    page = opened(f"{LAYER}&frame=2", permissions=CLIPBOARD)
    page.click("#link")
    page.wait_for_selector("#link:has-text('Copied')")
    assert "i=2x2" in page.evaluate("navigator.clipboard.readText()")


def test_going_back_to_another_link(opened):
    page = opened(f"{LAYER}&frame=2")
    page.evaluate("location.hash = 'i=3&k=2&frame=1'")
    until(page, "document.querySelector('.count').textContent === '1 of 3'")


@pytest.mark.parametrize(
    "link",
    [
        "i=0x2&k=3",
        "i=four&k=3",
        "i=4&k=3&p=9",
        "i=4&k=3&view=sideways",
        "i=4&k=3&frame=x",
        "nonsense=1",
        "i=4&k=3&x=1,2",
    ],
)
def test_a_bad_link_says_why_and_shows_something(opened, link):
    page = opened(link)
    assert page.inner_text("#message").startswith("This link cannot be shown: ")
    assert page.locator("#picture-0 [data-cell]").count() > 10


def test_what_a_link_says_is_never_markup(opened):
    page = opened("i=2x2&k=3&x=" + "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E,2;3,4")
    assert page.locator("#picture-0 img, #message img").count() == 0
    assert page.locator("#picture-0 [data-cell]").count() > 10


def test_it_fits_a_laptop_without_scrolling(opened):
    page = opened(f"{LAYER}&frame=2")
    assert page.evaluate(
        "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    ) == [LAPTOP["height"], LAPTOP["width"]]
    for part in ("#panel", "#facts", "#centre"):
        assert page.evaluate(
            "(part) => { const {scrollHeight, clientHeight} = document.querySelector(part);"
            " return scrollHeight <= clientHeight; }",
            part,
        ), part


@pytest.mark.parametrize(
    "link", [LAYER, "i=6&k=3&s=2&view=stretch", "i=3x3&k=3&view=matrix&beside=gather"]
)
def test_a_small_screen_has_no_horizontal_scroll(opened, link):
    page = opened(f"{link}&frame=2", viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.click("[data-go=on]")
    assert page.locator("#live").is_visible()


def test_nothing_jumps_while_it_plays(opened):
    page = opened(f"{LAYER}&frame=0")
    places = """() => ['#picture-0', '#timeline', '#told', '.count', '.tabs'].map((part) => {
        const {x, y, width, height} = document.querySelector(part).getBoundingClientRect();
        return [x, y, part === '#told' ? 0 : width, height]; })"""
    before = page.evaluate(places)
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        assert page.evaluate(places) == before


def test_dark_as_the_system_has_it_or_as_chosen(opened):
    ground = "getComputedStyle(document.body).backgroundColor"
    page = opened(LAYER, color_scheme="dark")
    dark = page.evaluate(ground)
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    page.click("#theme")
    assert page.evaluate(ground) != dark
    assert opened(LAYER).evaluate(ground) == page.evaluate(ground)


def test_reduced_motion_has_no_transitions_and_still_plays(opened):
    moving = (
        "getComputedStyle(document.querySelector('#picture-0 [data-cell] path')).transitionDuration"
    )
    assert opened(LAYER).evaluate(moving) == "0.16s"
    page = opened(f"{LAYER}&frame=0", reduced_motion="reduce")
    assert page.evaluate(moving) == "0s"
    page.select_option(".speed select", "125")
    page.click("[data-go=play]")
    until(page, "document.querySelector('.count').textContent === 'result'")


def test_the_list_of_keys(opened):
    page = opened()
    page.click("#help")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog").is_hidden()


@pytest.mark.parametrize(
    ("trace", "panels"),
    [
        (tconv.explain(3, 2, 2, x=[Fraction(1, 3), 2, 0.5], weight=[[[1, 10], [3, -1]]]), 3),
        (tconv.explain((2, 2, 2), 2, stride=2), 3),
    ],
)
def test_any_trace_is_played(opened, tmp_path, trace, panels):
    file = tmp_path / "trace.html"
    file.write_text(html(trace), "utf-8")
    page = opened(at=file.as_uri())
    assert page.locator("#panel").is_hidden()
    page.click("[data-go=last]")
    shown = trace.cells(-1)
    for name, text in cells(page).items():
        panel, cell = map(int, name.split(","))
        assert text == shown[panel][cell]
    assert {int(name.split(",")[0]) for name in cells(page)} == set(range(panels))


def test_the_notebook_element_plays(opened, tmp_path):
    file = tmp_path / "notebook.html"
    file.write_text(
        f"<!doctype html><html data-ready><body>{iframe(tconv.explain(3, 2))}</body>", "utf-8"
    )
    page = opened(at=file.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("[data-go=last]").click()
    assert frame.locator(".count").inner_text() == "result"


def test_state_as_json_is_what_the_server_gave(opened):
    page = opened()
    assert json.loads(page.evaluate("document.getElementById('start').textContent")) == {}


def test_a_pin_stays_at_its_cell_in_another_view_and_size(opened):
    page = opened(f"{LAYER}&frame=5")
    page.click('#picture-0 [data-cell="2,12"]')
    page.click(".stage:first-child [data-view=stretch]")
    assert told(page) == "output (2,2) = 1·1 + 2·1 + 3·1 + 4·1 = 10"
    number(page, "before0", 1)
    assert told(page).startswith("output (2,2) = ")
    number(page, "inputSize0", 1)
    assert lit(page, "self") == 0


def test_channels_and_slices_of_a_link(opened):
    page = opened("i=2x2&k=2&x=1,2;3,4|5,6;7,8&w=ones&frame=9")
    assert "nn.ConvTranspose2d(2, 1" in page.inner_text(".code pre")
    page = opened("i=2x2x3&k=2&s=2x1x1&frame=5")
    number(page, "inputSize2", 2)
    assert page.locator("#message").is_hidden()

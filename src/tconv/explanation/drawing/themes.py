"""The colours, by name: one hue a role, apart for colour-blind eyes and in grey."""

THEMES = {
    "light": {
        "paper": "#ffffff",
        "ink": "#1a2027",
        "soft": "#55606c",
        "faint": "#9aa4af",
        "pale": "#eef0f3",
        "empty": "#f7f8fa",
        "hatch": "#b9c1ca",
        "line": "#55606c",
        "input-held": "#d3e4f6",
        "input-active": "#7cb0e3",
        "input-line": "#1f5f9f",
        "kernel-held": "#fbeecf",
        "kernel-active": "#f6cf74",
        "kernel-line": "#946200",
        "output-held": "#cdeadb",
        "output-active": "#7fcba4",
        "output-line": "#12704f",
        "between-held": "#e6e4f0",
        "between-active": "#b9b3d8",
        "between-line": "#574f86",
    },
    "dark": {
        "paper": "#12161b",
        "ink": "#f0f3f6",
        "soft": "#a9b3be",
        "faint": "#66717d",
        "pale": "#1f252c",
        "empty": "#181d23",
        "hatch": "#46505b",
        "line": "#a9b3be",
        "input-held": "#1b3a58",
        "input-active": "#2f6fae",
        "input-line": "#7db9ef",
        "kernel-held": "#46371a",
        "kernel-active": "#8f6a14",
        "kernel-line": "#ecc05c",
        "output-held": "#174235",
        "output-active": "#237a58",
        "output-line": "#6ad3a6",
        "between-held": "#302c48",
        "between-active": "#5d5591",
        "between-line": "#b8b0ea",
    },
}


def colours(theme: str) -> dict[str, str]:
    """Return the colours of a theme.

    Examples
    --------
    >>> colours("light")["paper"]
    '#ffffff'
    """
    if theme not in THEMES:
        raise ValueError(f"theme {theme!r} is not one of {', '.join(THEMES)}")
    return THEMES[theme]

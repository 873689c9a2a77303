"""The colours, by name: one hue a role, apart for colour-blind eyes and in grey."""

from tconv.explanation.constants import THEMES


def colours(theme: str) -> dict[str, str]:
    """Return the colours of a theme.

    Examples
    --------
    >>> list(colours("light"))[:3]
    ['paper', 'ink', 'soft']
    """
    if theme not in THEMES:
        raise ValueError(f"theme {theme!r} is not one of {', '.join(THEMES)}")
    return THEMES[theme]

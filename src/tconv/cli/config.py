"""``tconv config``: what this installation is and runs on."""


def config() -> None:
    """Print versions, the engine in use and which optional parts are installed."""
    from tconv.configuration import show_config

    show_config()

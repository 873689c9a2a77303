import pytest

from tconv import engine


@pytest.fixture(autouse=True)
def as_before():
    """Restore what a test sets for all that follow: the number of threads, and the arithmetic."""
    threads, arithmetic = engine.get_num_threads(), engine.get_arithmetic()
    yield
    engine.set_num_threads(threads)
    engine.set_arithmetic(arithmetic)

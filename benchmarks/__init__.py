"""How fast tconv is, layer by real layer, in turn with the frameworks that people use.

Not shipped in the wheel. From a checkout with tconv installed: ``python -m benchmarks --help``.
"""

"""From the sizes that are wanted to parameters, the least surprising first.

`known` is what a caller gave, `one_axis` the search along an axis, `reasons` what an
answer is compared by, `joining` the axes together, `nothing` what to say where there is no answer,
`answering` all of these, `chaining` several layers, `solver` the public function.
"""

from tconv.geometry.solving.chaining import Chain
from tconv.geometry.solving.reasons import REASONS, Blemish, Reason
from tconv.geometry.solving.solution import Solution, Solutions
from tconv.geometry.solving.solver import solve

__all__ = ["REASONS", "Blemish", "Chain", "Reason", "Solution", "Solutions", "solve"]

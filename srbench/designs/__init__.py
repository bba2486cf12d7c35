"""From factors to named variants: which combinations of changes a study trains.

    design: {factorial: {se: {attention: scse}, atrous: {rates: [1, 2, 1]}, channels: [32, 64]}}

A factor is on or off, and then it is a name with its changes; or it has levels, and then it is a
path with a list of values. The kinds of design:

    leave_one_out   all on (`full`), and each left out once (`no_se`)
    add_one         none on (`base`), and each alone
    factorial       every combination: base, se, atrous, se+atrous
    fractional      a part of them, balanced: resolution 4 unless said; what cannot be told apart
                    is said as aliases ("residual = se:atrous")
    zip             lists of values that go in step, one variant a position
    list            changes written out, one mapping a variant

Beside the kind may stand `groups: {dilation: [rates, padding]}` (factors that move together, under
one name) and, for `fractional`, `resolution: 3`, 4 or 5. On a line of its own, a design replaces
`variants`.
"""

from srbench.designs.factors import Cell, Factor, Level
from srbench.designs.kinds import KINDS, Design, design

__all__ = ["KINDS", "Cell", "Design", "Factor", "Level", "design"]

"""Is the measuring right? Oracles, fingerprints of sets, published weights, and what slips cost.

Each check compares a number that srbench makes now, here, with one that others made.
"""

"""Trained networks outside a study: scored, applied to pictures, exported; and srbench verified."""

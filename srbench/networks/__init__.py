"""Trained networks outside a study: found, scored, applied to pictures, exported."""

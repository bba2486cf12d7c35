"""Training: fit() and the parts it is made of. Knows no database."""

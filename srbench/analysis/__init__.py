"""From results to findings: effects, verdicts, claims. All that is decided is decided here."""

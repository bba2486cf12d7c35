"""Frozen networks, which look at images for losses, blocks and metrics."""

"""The room where training meets the store: runs are claimed, handed to workers, written down."""

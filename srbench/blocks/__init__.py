"""Parts of networks: a file for each block, and one for the simplest of a slot."""

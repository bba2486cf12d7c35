"""Parts of networks, one slot a file. `srbench blocks` lists them."""

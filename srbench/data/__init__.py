"""Photos and folders, decoded once, and the patches cut from them."""

"""From `.cpy` source text to Python source text: tokens, tree, spawns, lowered text. Pure: no I/O."""

"""Studies: a recipe over a grid of settings, treatments and seeds; every cell an ordinary run, all of them one table and one page."""

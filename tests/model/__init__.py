"""The collector against a model: random lives of files, and what must come of them."""

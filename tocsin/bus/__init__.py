"""The bus's adapters, one package for each engine, and the function that chooses."""

"""`python -m tocsin` is `tocsin`."""

from tocsin.cli.root import main

if __name__ == "__main__":
    main()

"""Run the command line as ``python -m unifier``."""

from unifier.cli import main

if __name__ == "__main__":
    main()

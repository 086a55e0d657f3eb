"""``python -m descend``: the command, where no folder of commands is on the PATH."""

from descend.cli import main

if __name__ == "__main__":
    main()

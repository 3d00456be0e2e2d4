"""The command line.

`python -m local` (`make run`) starts everything and serves until Ctrl-C.
`python -m local exec -- COMMAND` runs one command on embedded servers of its own.
"""

import argparse
import os
import sys
from pathlib import Path

from local.disk import FULL_ERRNOS
from local.errors import LocalError
from local.exec import run_command
from local.run import run_everything


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="action")
    execute = commands.add_parser("exec", help="run one command on embedded servers of its own")
    execute.add_argument(
        "--data", type=Path, help="folder of the servers (default: DATA_DIR/exec, throwaway: DATA_DIR/test)"
    )
    execute.add_argument("--fresh", action="store_true", help="a temporary folder, removed afterwards")
    execute.add_argument(
        "--throwaway", action="store_true", help="faster; the data are not safe and removed afterwards"
    )
    execute.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    options = parser.parse_args(arguments)
    if options.action is None:
        return run_everything(os.environ)
    return run_command(
        options.command,
        environ=os.environ,
        data=options.data,
        fresh=options.fresh,
        throwaway=options.throwaway,
    )


def run() -> int:
    """`main` with every expected trouble told in one line."""
    try:
        return main(sys.argv[1:])
    except LocalError as error:
        trouble = str(error)
    except OSError as error:
        if error.errno in FULL_ERRNOS:
            trouble = f"the disk is full ({error.filename}): free some space and start again"
        elif isinstance(error, PermissionError):
            trouble = f"{error.filename} is closed to us: run as its owner, or set DATA_DIR to another folder"
        else:
            raise
    print(f"starhash: {trouble}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(run())

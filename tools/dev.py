#!/usr/bin/env python3
"""Set everything up, then serve the example or run every test: `python3 tools/dev.py --help`.

This file must parse on any Python, however old, to say which one is needed; the work is in commands.py.
"""

import os
import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "tools/dev.py needs Python >= 3.11, this is %d.%d.%d; run it with python3.11 or newer\n" % sys.version_info[:3]
    )
    sys.exit(2)

# The first entry is this folder; the modules are imported as a package of the folder above it.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from tools.commands import main  # noqa: E402 - after the path is set

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m medsegdl_training` is `medsegdl-train`. Nothing else belongs here."""

import sys

from .commands.main import main

if __name__ == "__main__":
    sys.exit(main())

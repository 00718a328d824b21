"""`python -m MedSegDLLib.worker`: the child process that the panel starts."""

import sys

from .server import main

sys.exit(main())

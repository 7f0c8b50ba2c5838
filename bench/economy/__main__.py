"""`python -m bench.economy`."""

import sys

from bench.economy import main

sys.exit(main())

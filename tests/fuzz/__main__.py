"""What `make fuzz` runs: over 20,000 invented requests, each call as each role, on a PostgreSQL.

FUZZ_EXAMPLES is how many a call and role gets beside those at the boundaries of its fields.
"""

import os
import sys

from tests.postgres import find_binaries
from tests.run import run_on_postgres

if find_binaries() is None:
    sys.exit("This needs PostgreSQL 15 or newer (Debian: postgresql-15).")
os.environ.setdefault("FUZZ_EXAMPLES", "40")
sys.exit(0 if run_on_postgres(["tests/fuzz", *sys.argv[1:]]) else 1)

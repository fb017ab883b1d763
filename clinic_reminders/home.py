"""Where `.env` and `var/` are: beside the code, or where CLINIC_REMINDERS_HOME says."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
HOME_DIR = Path(os.environ.get("CLINIC_REMINDERS_HOME") or BASE_DIR).resolve()
VAR_DIR = HOME_DIR / "var"
ENV_FILE = HOME_DIR / ".env"

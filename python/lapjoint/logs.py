"""The log: lines to standard output, or to standard error with `DJ_LOG_STREAM=stderr`."""

import logging
import os
import sys

JOBS = 15
logging.addLevelName(JOBS, "JOBS")


class LevelAwareFormatter(logging.Formatter):
    """`[time] message`, and the level where it is no plain information."""

    def format(self, record):
        """One line."""
        level = "" if record.levelno in (logging.INFO, logging.DEBUG) else f"[{record.levelname}]: "
        time = self.formatTime(record, "%Y-%m-%d %H:%M:%S")
        text = f"[{time}]{'' if level else ' '}{level}{record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


logger = logging.getLogger("datajoint")
if not logger.handlers:
    handler = logging.StreamHandler(sys.stderr if os.environ.get("DJ_LOG_STREAM") == "stderr" else sys.stdout)
    handler.setFormatter(LevelAwareFormatter())
    logger.addHandler(handler)
    logger.setLevel(os.environ.get("DJ_LOG_LEVEL", "INFO").upper())

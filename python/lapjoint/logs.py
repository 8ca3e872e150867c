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
        lines = [text]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        if record.stack_info:
            lines.append(self.formatStack(record.stack_info))
        return "\n".join(lines)


logger = logging.getLogger("datajoint")
if not logger.handlers:
    handler = logging.StreamHandler(sys.stderr if os.environ.get("DJ_LOG_STREAM") == "stderr" else sys.stdout)
    handler.setFormatter(LevelAwareFormatter())
    logger.addHandler(handler)
    logger.setLevel(os.environ.get("DJ_LOG_LEVEL", "INFO").upper())

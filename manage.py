#!/usr/bin/env python
"""Django's command line. Settings default to the developer's; production sets DJANGO_SETTINGS_MODULE."""

import os
import sys

from django.core.management import execute_from_command_line

from config.environment import EnvironmentRefused

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    try:
        execute_from_command_line(sys.argv)
    except EnvironmentRefused as refusal:
        sys.exit(f"starhash: {refusal}")

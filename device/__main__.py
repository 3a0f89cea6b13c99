"""`python -m device` is the `offhook` command."""

import sys

from device.cli import main

if __name__ == "__main__":
    sys.exit(main())

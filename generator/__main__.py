"""`python -m generator` is `imagegen`."""

from generator.cli import main

main()

"""`python -m generator` is `imagegen`."""

from generator.cli.app import main

main()

"""`python -m firetower.cli`: the command line where no script is installed."""

from firetower.cli import main

main()

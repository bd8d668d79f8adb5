"""`python -m jackfield`: the command line."""

from jackfield.cli import main

main(prog_name="jackfield")

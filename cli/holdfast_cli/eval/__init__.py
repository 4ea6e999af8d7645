"""`holdfast eval`: how well it hears turns, knows answers and leads calls, scored on labelled sets.

One file per subcommand beside this one; `commands.py` names them.
"""

"""`python -m bench`: how fast the way from volumes to segments is, how much memory it takes, and how the peers do on the same machine.

Every piece runs in a process of its own and leaves a JSON file, so that an interrupted run goes on where it stopped.
"""

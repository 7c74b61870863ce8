"""Facts in, commands out. No clock, no I/O, no chance, no async.

Read in this order: `facts` (what can have happened), `plan` (a graph made ready), `scope` (one opened graph: which
node may run), `run` (the fold of a run's facts), `codec` (facts as bytes).
"""

"""Facts in, commands out. No clock, no I/O, no chance, no async.

Read in this order: `facts` (what can have happened), `plan` (a graph made ready), `scope` (one opened graph: which
node may run), `signals` and `agenda` (who listens, what is to be done), `tree` (the open scopes: endings and what they
lead to), `run` (the fold of a run's facts), `snapshot` (the fold as bytes), `codec` (facts as bytes).
"""

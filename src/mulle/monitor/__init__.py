"""What runs did, counted: statistics, metrics, traces, logs and alerts, all of them readings of the journal."""

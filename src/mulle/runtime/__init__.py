"""Where decisions become deeds: runs are driven, steps executed, facts kept."""

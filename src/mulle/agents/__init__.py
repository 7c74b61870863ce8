"""For Python people: workflows of functions and objects, on the same engine and journal as every other workflow."""

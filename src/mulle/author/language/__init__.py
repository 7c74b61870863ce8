"""Read sentences: words, particles, endings, numerals and clauses. Knows no workflow."""

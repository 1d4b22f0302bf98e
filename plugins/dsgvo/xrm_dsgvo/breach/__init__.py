"""Breaches: noticed, assessed, notified (Articles 33 and 34)."""

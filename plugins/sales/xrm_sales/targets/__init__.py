"""Targets beyond quotas, and how far what is reached lies from them."""

"""Leads: what they are worth, who gets them, what becomes of them."""

"""Commissions: what sellers get for what they have won."""

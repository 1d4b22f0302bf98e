"""Consents: asked for, confirmed, recorded, withdrawn."""

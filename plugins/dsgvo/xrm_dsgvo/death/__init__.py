"""Persons who have died: nobody writes to them any more, and their rights are nobody else's."""

"""The vault: records and values that are out of their tables for a time, sealed, and come back as they were.

Nothing that reads tables finds them: no query, count, search, export, feed or statement of SQL. ``move_to_vault`` moves
them there, ``bring_back`` back; ``in_vault`` looks at them, ``erase_in_vault`` ends them.
"""

"""The command ``xrm``. Thin: each command reads its options, calls the rooms below and says what came of it."""

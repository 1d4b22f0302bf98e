"""To whom data have gone (Article 15(1)(c)), and that they are told of what becomes of them (Article 19)."""

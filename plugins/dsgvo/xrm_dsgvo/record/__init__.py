"""The record of processing activities (Article 30), made of the annotations and the registers."""

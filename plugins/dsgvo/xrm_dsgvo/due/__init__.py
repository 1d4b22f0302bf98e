"""What is due: notifications of breaches, reviews, tests, contracts and transfers that end; impact assessments."""

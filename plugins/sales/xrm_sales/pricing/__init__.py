"""What something costs: prices by quantity, discounts, taxes, totals. It knows no database."""

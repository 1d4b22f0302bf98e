"""What follows an accepted quote: the order, and the contract with its terms."""
